import { randomUUID } from 'node:crypto';
import { TenantScope } from '@stockroom/database';
import { TestDatabase } from '@stockroom/database/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InMemoryEventPublisher } from '../events/in-memory-event-publisher';
import { ConflictError, NotFoundError } from '../shared/errors';
import { CustomersService } from './customers.service';

const BISTRO = { name: 'Bistro', email: 'hello@bistro.example' };

describe('CustomersService', () => {
  const events = new InMemoryEventPublisher();
  let database: TestDatabase;
  let service: CustomersService;
  let tenantId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    service = new CustomersService(database.db, new TenantScope(database.db), events);
  });

  afterAll(() => database.close());

  beforeEach(async () => {
    tenantId = (await database.addTenant('Harbour Foods')).id;
  });

  it('adds a customer and announces it', async () => {
    const customer = await service.create(tenantId, BISTRO);

    expect(customer).toMatchObject({ ...BISTRO, tenantId, archivedAt: null });
    expect(events.typesFor(tenantId)).toEqual(['customer.created']);
  });

  it('keeps addresses unique within a tenant only', async () => {
    const other = await database.addTenant('Mill Lane');
    await service.create(tenantId, BISTRO);

    await expect(service.create(tenantId, BISTRO)).rejects.toBeInstanceOf(ConflictError);
    await expect(service.create(other.id, BISTRO)).resolves.toMatchObject(BISTRO);
  });

  it('lists by part of the name', async () => {
    await service.create(tenantId, BISTRO);
    await service.create(tenantId, { name: 'Corner Shop', email: 'a@shop.example' });

    const listed = await service.findAll(tenantId, { name: 'corn' });

    expect(listed.map((customer) => customer.name)).toEqual(['Corner Shop']);
  });

  it('changes the given fields', async () => {
    const { id } = await service.create(tenantId, BISTRO);

    expect(await service.update(tenantId, id, { name: 'Brasserie' })).toMatchObject({
      name: 'Brasserie',
      email: BISTRO.email,
    });
  });

  it('hides an archived customer from the list', async () => {
    const { id } = await service.create(tenantId, BISTRO);

    await service.archive(tenantId, id);

    expect(await service.findAll(tenantId, {})).toEqual([]);
    expect(await service.findAll(tenantId, { archived: 'yes' })).toHaveLength(1);
    expect(events.typesFor(tenantId)).toContain('customer.archived');
  });

  it('does not archive a customer that is not there', async () => {
    await expect(service.archive(tenantId, randomUUID())).rejects.toBeInstanceOf(NotFoundError);
  });

  it('finds that a new address is free', async () => {
    expect(await service.isEmailTaken('new@bistro.example')).toBe(false);
  });

  it('has no recent orders of a new customer', async () => {
    const { id } = await service.create(tenantId, BISTRO);

    expect(await service.recentOrders(id)).toEqual([]);
  });
});
