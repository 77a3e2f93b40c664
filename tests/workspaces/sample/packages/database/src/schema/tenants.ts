import { pgTable, text, timestamp, uuid } from 'drizzle-orm/pg-core';

/** Wholesalers that use the product. Read before any tenant is known, so it has no row policy. */
export const tenants = pgTable('tenants', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: text('name').notNull(),
  apiKeyHash: text('api_key_hash').notNull().unique(),
  createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
});

export type Tenant = typeof tenants.$inferSelect;
