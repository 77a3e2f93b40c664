import { sql } from 'drizzle-orm';
import type { Drizzle, Transaction } from './connection';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export class TenantContextError extends Error {
  readonly code = 'TENANT_CONTEXT_INVALID';

  constructor(readonly tenantId: string) {
    super('A tenant id must be a UUID');
    this.name = 'TenantContextError';
  }
}

/** Runs work on behalf of one tenant. */
export class TenantScope {
  constructor(private readonly db: Drizzle) {}

  /**
   * Opens a transaction in which row policies admit only this tenant's rows.
   * The setting is local to the transaction, so a pooled connection carries nothing over.
   */
  async withTenant<T>(tenantId: string, work: (tx: Transaction) => Promise<T>): Promise<T> {
    if (!UUID.test(tenantId)) throw new TenantContextError(tenantId);
    return this.db.transaction(async (tx) => {
      await tx.execute(sql`select set_config('app.tenant_id', ${tenantId}, true)`);
      return work(tx);
    });
  }
}
