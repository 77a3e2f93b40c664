import { Controller, Get, Param, Query, UseGuards } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiQuery,
  ApiTags,
} from '@nestjs/swagger';
import { JwtAuthGuard } from '../auth/jwt-auth.guard';
import { ApiCommonErrors } from '../shared/openapi';
import { ZodValidationPipe } from '../shared/zod-validation.pipe';
import { CatalogItemDto } from './catalog-item.dto';
import { GtinSchema, type SearchCatalogQuery, SearchCatalogSchema } from './catalog.schemas';
import { CatalogService } from './catalog.service';

@ApiTags('catalog')
@ApiBearerAuth()
@ApiCommonErrors()
@Controller('catalog')
@UseGuards(JwtAuthGuard)
export class CatalogController {
  constructor(private readonly catalog: CatalogService) {}

  @Get()
  @ApiOperation({ summary: 'Search the catalog by name' })
  @ApiQuery({ name: 'q', required: false })
  @ApiQuery({ name: 'limit', required: false })
  @ApiOkResponse({ type: [CatalogItemDto] })
  async search(
    @Query(new ZodValidationPipe(SearchCatalogSchema)) query: SearchCatalogQuery,
  ): Promise<CatalogItemDto[]> {
    return this.catalog.search(query);
  }

  @Get(':gtin')
  @ApiOperation({ summary: 'Read one item by its GTIN' })
  @ApiOkResponse({ type: CatalogItemDto })
  @ApiNotFoundResponse({ description: 'No item has this GTIN' })
  async findOne(
    @Param('gtin', new ZodValidationPipe(GtinSchema)) gtin: string,
  ): Promise<CatalogItemDto> {
    return this.catalog.findByGtin(gtin);
  }
}
