import { Inject, Injectable } from '@nestjs/common';
import { type CatalogItem, type Drizzle, catalogItems } from '@stockroom/database';
import { asc, eq, ilike } from 'drizzle-orm';
import { DRIZZLE } from '../database/database.module';
import { NotFoundError } from '../shared/errors';
import type { SearchCatalogQuery } from './catalog.schemas';

/** The catalog is shared by all tenants, so it is read without a tenant. */
@Injectable()
export class CatalogService {
  constructor(@Inject(DRIZZLE) private readonly db: Drizzle) {}

  async search({ q, limit }: SearchCatalogQuery): Promise<CatalogItem[]> {
    return this.db
      .select()
      .from(catalogItems)
      .where(ilike(catalogItems.name, `%${q}%`))
      .orderBy(asc(catalogItems.name))
      .limit(limit);
  }

  async findByGtin(gtin: string): Promise<CatalogItem> {
    const [item] = await this.db.select().from(catalogItems).where(eq(catalogItems.gtin, gtin));
    if (!item) throw new NotFoundError('Item', gtin);
    return item;
  }
}
