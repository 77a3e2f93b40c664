import { ApiProperty } from '@nestjs/swagger';

export class CatalogItemDto {
  @ApiProperty()
  gtin!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ enum: ['each', 'case', 'pallet'] })
  unit!: string;

  @ApiProperty()
  listPriceCents!: number;

  @ApiProperty({ example: 'EUR' })
  currency!: string;
}
