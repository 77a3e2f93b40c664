import { integer, pgTable, text } from 'drizzle-orm/pg-core';

/** Products by GTIN, shared by every tenant and maintained by an import. */
export const catalogItems = pgTable('catalog_items', {
  gtin: text('gtin').primaryKey(),
  name: text('name').notNull(),
  unit: text('unit', { enum: ['each', 'case', 'pallet'] }).notNull(),
  listPriceCents: integer('list_price_cents').notNull(),
  currency: text('currency').notNull().default('EUR'),
});

export type CatalogItem = typeof catalogItems.$inferSelect;
