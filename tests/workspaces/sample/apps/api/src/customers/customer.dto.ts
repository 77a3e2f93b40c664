import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';

export class CustomerDto {
  @ApiProperty({ format: 'uuid' })
  id!: string;

  @ApiProperty()
  name!: string;

  @ApiProperty({ format: 'email' })
  email!: string;

  @ApiProperty({ nullable: true, type: Date })
  archivedAt!: Date | null;
}

/** Filters of the customer list. */
export class CustomerFilter {
  @ApiPropertyOptional({ description: 'Part of the name' })
  name?: string;

  @ApiPropertyOptional({ enum: ['yes', 'no'] })
  archived?: 'yes' | 'no';
}
