import { ApiProperty } from '@nestjs/swagger';
import { orderStatuses } from '@stockroom/database';

export class OrderDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty({ example: 'SO-20260304-7F3A' })
  number!: string;

  @ApiProperty({ format: 'uuid' })
  customerId!: string;

  @ApiProperty({ enum: orderStatuses })
  status!: string;

  @ApiProperty({ nullable: true, type: String })
  note!: string | null;

  @ApiProperty()
  totalCents!: number;

  @ApiProperty({ example: 'EUR' })
  currency!: string;

  @ApiProperty()
  createdAt!: Date;
}
