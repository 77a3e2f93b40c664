import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Api, startApi } from './support/api';

describe('/v1/customers', () => {
  let api: Api;
  let headers: { authorization: string };

  beforeAll(async () => {
    api = await startApi();
  });

  afterAll(() => api.close());

  beforeEach(async () => {
    headers = api.as(await api.database.addTenant('Harbour Foods'));
  });

  function addCustomer(payload: object) {
    return api.app.inject({ method: 'POST', url: '/v1/customers', headers, payload });
  }

  it('adds and lists customers', async () => {
    const added = await addCustomer({ name: 'Bistro', email: 'Hello@Bistro.example' });
    const list = await api.app.inject({ method: 'GET', url: '/v1/customers', headers });

    expect(added.statusCode).toBe(201);
    expect(list.json()).toMatchObject([{ name: 'Bistro', email: 'hello@bistro.example' }]);
  });

  it('refuses an address that is taken or not one', async () => {
    await addCustomer({ name: 'Bistro', email: 'hello@bistro.example' });

    const taken = await addCustomer({ name: 'Other', email: 'hello@bistro.example' });
    const malformed = await addCustomer({ name: 'Other', email: 'hello' });

    expect(taken.statusCode).toBe(409);
    expect(taken.json()).toMatchObject({ code: 'CUSTOMER_EMAIL_TAKEN' });
    expect(malformed.statusCode).toBe(400);
  });

  it('archives a customer', async () => {
    const { id } = (await addCustomer({ name: 'Bistro', email: 'hello@bistro.example' })).json();

    const archived = await api.app.inject({ method: 'DELETE', url: `/v1/customers/${id}`, headers });
    const list = await api.app.inject({
      method: 'GET',
      url: '/v1/customers?archived=yes',
      headers,
    });

    expect(archived.statusCode).toBe(204);
    expect(list.json()).toHaveLength(1);
  });

  it('starts without orders', async () => {
    const { id } = (await addCustomer({ name: 'Bistro', email: 'hello@bistro.example' })).json();

    const orders = await api.app.inject({
      method: 'GET',
      url: `/v1/customers/${id}/orders`,
      headers,
    });

    expect(orders.json()).toEqual([]);
  });
});
