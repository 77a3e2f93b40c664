import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { TenantContextError, TenantScope, customers } from '../src';
import { TestDatabase, type TestTenant } from '../src/testing';

describe('tenant isolation', () => {
  let database: TestDatabase;
  let scope: TenantScope;
  let harbour: TestTenant;
  let mill: TestTenant;

  beforeAll(async () => {
    database = await TestDatabase.create();
    scope = new TenantScope(database.db);
  });

  afterAll(() => database.close());

  beforeEach(async () => {
    harbour = await database.addTenant('Harbour Foods');
    mill = await database.addTenant('Mill Lane');
  });

  function addCustomer(asTenant: string, owner: string, email = 'hello@bistro.example') {
    return scope.withTenant(asTenant, (tx) =>
      tx.insert(customers).values({ tenantId: owner, name: 'Bistro', email }).returning(),
    );
  }

  it('shows a tenant its own rows only', async () => {
    await addCustomer(harbour.id, harbour.id);

    const own = await scope.withTenant(harbour.id, (tx) => tx.select().from(customers));
    const other = await scope.withTenant(mill.id, (tx) => tx.select().from(customers));

    expect(own).toHaveLength(1);
    expect(other).toEqual([]);
  });

  it('does not let a tenant write rows of another', async () => {
    await expect(addCustomer(harbour.id, mill.id)).rejects.toMatchObject({
      cause: { message: expect.stringContaining('row-level security') },
    });
  });

  it('does not let a tenant change rows of another', async () => {
    const [row] = await addCustomer(harbour.id, harbour.id);

    const changed = await scope.withTenant(mill.id, (tx) =>
      tx
        .update(customers)
        .set({ name: 'Taken over' })
        .where(eq(customers.id, row?.id ?? ''))
        .returning(),
    );

    expect(changed).toEqual([]);
  });

  it('shows nothing outside a tenant transaction', async () => {
    await addCustomer(harbour.id, harbour.id);

    expect(await database.db.select().from(customers)).toEqual([]);
  });

  it('rolls everything back when the work fails', async () => {
    const failure = new Error('stop here');
    const attempt = scope.withTenant(harbour.id, async (tx) => {
      await tx.insert(customers).values({ tenantId: harbour.id, name: 'Cafe', email: 'a@b.example' });
      throw failure;
    });

    await expect(attempt).rejects.toBe(failure);
    expect(await scope.withTenant(harbour.id, (tx) => tx.select().from(customers))).toEqual([]);
  });

  it('refuses a tenant id that is not a UUID', async () => {
    await expect(scope.withTenant("x'; --", async () => 1)).rejects.toBeInstanceOf(TenantContextError);
  });
});
