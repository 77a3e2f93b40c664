import { ApiProperty } from '@nestjs/swagger';

export class TokenDto {
  @ApiProperty({ description: 'Send it as a bearer token' })
  accessToken!: string;
}
