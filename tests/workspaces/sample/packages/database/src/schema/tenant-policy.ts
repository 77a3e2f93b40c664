import { sql } from 'drizzle-orm';
import { pgPolicy, pgRole } from 'drizzle-orm/pg-core';

/** The role that the API connects as. It owns no table, so row policies always apply to it. */
export const appRole = pgRole('stockroom_app').existing();

/** Rows are visible and writable only for the tenant of the current transaction. */
export function tenantPolicy(table: string) {
  const ownRows = sql`tenant_id = nullif(current_setting('app.tenant_id', true), '')::uuid`;
  return pgPolicy(`${table}_tenant_isolation`, {
    for: 'all',
    to: appRole,
    using: ownRows,
    withCheck: ownRows,
  });
}
