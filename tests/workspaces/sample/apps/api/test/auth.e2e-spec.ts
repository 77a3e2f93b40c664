import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeApi } from '../src/app.setup';
import { type Api, startApi } from './support/api';

describe('access', () => {
  let api: Api;

  beforeAll(async () => {
    api = await startApi();
    await api.database.addCatalogItem({ gtin: '40063813', name: 'Rye flour', priceCents: 900 });
  });

  afterAll(() => api.close());

  function issueToken(payload: object) {
    return api.app.inject({ method: 'POST', url: '/v1/auth/token', payload });
  }

  it('admits the holder of an API key to the catalog', async () => {
    const { apiKey } = await api.database.addTenant('Harbour Foods');
    const { accessToken } = (await issueToken({ apiKey })).json();

    const found = await api.app.inject({
      method: 'GET',
      url: '/v1/catalog?q=rye',
      headers: { authorization: `Bearer ${accessToken}` },
    });

    expect(found.statusCode).toBe(200);
    expect(found.json()).toMatchObject([{ gtin: '40063813', name: 'Rye flour' }]);
  });

  it('refuses unknown keys and incomplete requests', async () => {
    expect((await issueToken({ apiKey: 'guess' })).statusCode).toBe(422);
    expect((await issueToken({})).statusCode).toBe(400);
  });

  it('answers health checks without a token', async () => {
    const response = await api.app.inject({ method: 'GET', url: '/v1/health' });

    expect(response.json()).toEqual({ status: 'up' });
  });

  it('describes its endpoints', () => {
    const { paths } = describeApi(api.app);

    expect(paths['/v1/orders']?.post?.requestBody).toMatchObject({
      content: { 'application/json': { schema: { required: ['customerId', 'lines'] } } },
    });
    expect(paths).not.toHaveProperty('/v1/health');
  });
});
