import { randomUUID } from 'node:crypto';
import type { TestTenant } from '@stockroom/database/testing';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from './support/api';

const OAT_MILK = '4006381333931';

describe('/v1/orders', () => {
  let api: Api;
  let harbour: TestTenant;
  let customerId: string;

  beforeAll(async () => {
    api = await startApi();
    await api.database.addCatalogItem({ gtin: OAT_MILK, name: 'Oat milk', priceCents: 1250 });
  });

  afterAll(() => api.close());

  beforeEach(async () => {
    harbour = await api.database.addTenant('Harbour Foods');
    const response = await api.app.inject({
      method: 'POST',
      url: '/v1/customers',
      headers: api.as(harbour),
      payload: { name: 'Bistro', email: 'hello@bistro.example' },
    });
    customerId = response.json().id;
  });

  function placeOrder(quantity = 2) {
    return api.app.inject({
      method: 'POST',
      url: '/v1/orders',
      headers: api.as(harbour),
      payload: { customerId, lines: [{ gtin: OAT_MILK, quantity }] },
    });
  }

  it('places an order', async () => {
    const response = await placeOrder(4);

    expect(response.statusCode).toBe(201);
    expect(response.json()).toMatchObject({ status: 'open', totalCents: 5000 });
    expect(api.events.typesFor(harbour.id)).toContain('order.created');
  });

  it('lists and reads orders of the own tenant only', async () => {
    const { id } = (await placeOrder()).json();
    const mill = await api.database.addTenant('Mill Lane');

    const list = await api.app.inject({ method: 'GET', url: '/v1/orders', headers: api.as(harbour) });
    const own = await api.app.inject({
      method: 'GET',
      url: `/v1/orders/${id}`,
      headers: api.as(harbour),
    });
    const foreign = await api.app.inject({
      method: 'GET',
      url: `/v1/orders/${id}`,
      headers: api.as(mill),
    });

    expect(list.json()).toHaveLength(1);
    expect(own.json()).toMatchObject({ id });
    expect(foreign.statusCode).toBe(404);
    expect(foreign.json()).toMatchObject({ code: 'ORDER_NOT_FOUND' });
  });

  it('confirms, then cancels', async () => {
    const { id } = (await placeOrder()).json();
    const headers = api.as(harbour);

    const confirmed = await api.app.inject({
      method: 'POST',
      url: `/v1/orders/${id}/confirm`,
      headers,
    });
    const again = await api.app.inject({ method: 'POST', url: `/v1/orders/${id}/confirm`, headers });
    const cancelled = await api.app.inject({
      method: 'POST',
      url: `/v1/orders/${id}/cancel`,
      headers,
    });

    expect(confirmed.json()).toMatchObject({ status: 'confirmed' });
    expect(again.statusCode).toBe(409);
    expect(cancelled.json()).toMatchObject({ status: 'cancelled' });
  });

  it('checks the note before it is kept', async () => {
    const { id } = (await placeOrder()).json();
    const request = {
      method: 'PATCH',
      url: `/v1/orders/${id}/note`,
      headers: api.as(harbour),
    } as const;

    const kept = await api.app.inject({ ...request, payload: { note: 'Ring twice' } });
    const refused = await api.app.inject({ ...request, payload: { note: 'x'.repeat(501) } });

    expect(kept.json()).toMatchObject({ note: 'Ring twice' });
    expect(refused.statusCode).toBe(400);
    expect(refused.json()).toMatchObject({ code: 'VALIDATION_FAILED' });
  });

  it('asks for a token and a well-formed id', async () => {
    const anonymous = await api.app.inject({ method: 'GET', url: `/v1/orders/${randomUUID()}` });
    const malformed = await api.app.inject({
      method: 'GET',
      url: '/v1/orders/seven',
      headers: api.as(harbour),
    });

    expect(anonymous.statusCode).toBe(401);
    expect(malformed.statusCode).toBe(400);
  });
});
