import { Body, Controller, HttpCode, Post } from '@nestjs/common';
import {
  ApiOkResponse,
  ApiOperation,
  ApiTags,
  ApiUnprocessableEntityResponse,
} from '@nestjs/swagger';
import { ValidationError } from '../shared/errors';
import { ApiZodBody } from '../shared/openapi';
import { IssueTokenSchema } from './auth.schemas';
import { AuthService } from './auth.service';
import { TokenDto } from './token.dto';

@ApiTags('auth')
@Controller('auth')
export class AuthController {
  constructor(private readonly auth: AuthService) {}

  @Post('token')
  @HttpCode(200)
  @ApiOperation({ summary: 'Exchange an API key for an access token' })
  @ApiZodBody(IssueTokenSchema)
  @ApiOkResponse({ type: TokenDto })
  @ApiUnprocessableEntityResponse({ description: 'The API key is not known' })
  async issueToken(@Body() body: unknown): Promise<TokenDto> {
    const input = IssueTokenSchema.safeParse(body);
    if (!input.success) throw new ValidationError(input.error.issues);
    return this.auth.issueToken(input.data.apiKey);
  }
}
