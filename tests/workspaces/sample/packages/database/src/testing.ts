import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { migrate } from 'drizzle-orm/pglite/migrator';
import { inject } from 'vitest';
import type { Drizzle } from './connection';
import * as schema from './schema';

declare module 'vitest' {
  interface ProvidedContext {
    databaseTemplate: string;
  }
}

export const MIGRATIONS = join(__dirname, '..', 'migrations');

export interface TestTenant {
  id: string;
  apiKey: string;
}

/** A migrated, empty database as an archive that PGlite can start from. */
export async function createTemplate(): Promise<Uint8Array> {
  const client = new PGlite();
  await migrate(drizzle(client), { migrationsFolder: MIGRATIONS });
  const archive = await client.dumpDataDir('none');
  await client.close();
  return new Uint8Array(await archive.arrayBuffer());
}

/** An in-process Postgres with our migrations, used as the role that production uses. */
export class TestDatabase {
  private constructor(
    private readonly client: PGlite,
    readonly db: Drizzle,
  ) {}

  static async create(): Promise<TestDatabase> {
    const template = await readFile(inject('databaseTemplate'));
    const client = new PGlite({ loadDataDir: new Blob([template]) });
    await client.exec('SET ROLE stockroom_app');
    return new TestDatabase(client, drizzle(client, { schema }));
  }

  /** Adds a tenant as the owner of the tables would. */
  async addTenant(name: string): Promise<TestTenant> {
    const tenant = { id: randomUUID(), apiKey: randomUUID() };
    const apiKeyHash = createHash('sha256').update(tenant.apiKey).digest('hex');
    await this.asOwner('insert into tenants (id, name, api_key_hash) values ($1, $2, $3)', [
      tenant.id,
      name,
      apiKeyHash,
    ]);
    return tenant;
  }

  async addCatalogItem(item: { gtin: string; name: string; priceCents: number }): Promise<void> {
    await this.asOwner(
      `insert into catalog_items (gtin, name, unit, list_price_cents) values ($1, $2, 'case', $3)`,
      [item.gtin, item.name, item.priceCents],
    );
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  private async asOwner(statement: string, parameters: unknown[]): Promise<void> {
    await this.client.transaction(async (tx) => {
      await tx.exec('SET LOCAL ROLE NONE');
      await tx.query(statement, parameters);
    });
  }
}
