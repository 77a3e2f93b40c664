import { randomUUID } from 'node:crypto';
import { TenantScope, customers } from '@stockroom/database';
import { TestDatabase } from '@stockroom/database/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { InMemoryEventPublisher } from '../events/in-memory-event-publisher';
import { ConflictError, NotFoundError } from '../shared/errors';
import { OrdersService } from './orders.service';

const OAT_MILK = '4006381333931';

describe('OrdersService', () => {
  const events = new InMemoryEventPublisher();
  let database: TestDatabase;
  let scope: TenantScope;
  let service: OrdersService;
  let tenantId: string;
  let customerId: string;

  beforeAll(async () => {
    database = await TestDatabase.create();
    await database.addCatalogItem({ gtin: OAT_MILK, name: 'Oat milk', priceCents: 1250 });
    scope = new TenantScope(database.db);
    service = new OrdersService(scope, events);
  });

  afterAll(() => database.close());

  beforeEach(async () => {
    tenantId = (await database.addTenant('Harbour Foods')).id;
    customerId = randomUUID();
    await scope.withTenant(tenantId, (tx) =>
      tx.insert(customers).values({ id: customerId, tenantId, name: 'Bistro', email: 'a@b.example' }),
    );
  });

  function placeOrder(quantity = 2) {
    return service.create(tenantId, { customerId, lines: [{ gtin: OAT_MILK, quantity }] });
  }

  it('prices an order at list prices and announces it', async () => {
    const order = await placeOrder(3);

    expect(order).toMatchObject({ status: 'open', totalCents: 3750, currency: 'EUR' });
    expect(events.typesFor(tenantId)).toEqual(['order.created']);
  });

  it('refuses an item that is not in the catalog', async () => {
    const lines = [{ gtin: '00000000', quantity: 1 }];

    await expect(service.create(tenantId, { customerId, lines })).rejects.toBeInstanceOf(NotFoundError);
    expect(events.typesFor(tenantId)).toEqual([]);
  });

  it('lists the newest order first', async () => {
    const first = await placeOrder();
    const second = await placeOrder();

    const listed = await service.findAll(tenantId);

    expect(listed.map((order) => order.id)).toEqual([second.id, first.id]);
  });

  it('finds an order of the tenant, and none of another', async () => {
    const order = await placeOrder();
    const stranger = await database.addTenant('Mill Lane');

    expect(await service.findOne(tenantId, order.id)).toEqual(order);
    await expect(service.findOne(stranger.id, order.id)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('confirms an open order once', async () => {
    const order = await placeOrder();

    expect(await service.confirm(tenantId, order.id)).toMatchObject({ status: 'confirmed' });
    await expect(service.confirm(tenantId, order.id)).rejects.toBeInstanceOf(ConflictError);
    expect(events.typesFor(tenantId)).toEqual(['order.created', 'order.confirmed']);
  });

  it('cancels a confirmed order', async () => {
    const order = await placeOrder();
    await service.confirm(tenantId, order.id);

    expect(await service.cancel(tenantId, order.id)).toMatchObject({ status: 'cancelled' });
    expect(events.typesFor(tenantId)).toContain('order.cancelled');
  });

  it('keeps a note', async () => {
    const order = await placeOrder();

    await service.annotate(tenantId, order.id, 'Use the back door');

    expect(await service.findOne(tenantId, order.id)).toMatchObject({ note: 'Use the back door' });
  });
});
