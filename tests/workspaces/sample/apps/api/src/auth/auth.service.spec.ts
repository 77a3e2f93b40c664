import { JwtService } from '@nestjs/jwt';
import { TestDatabase } from '@stockroom/database/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AuthService } from './auth.service';

describe('AuthService', () => {
  const jwt = new JwtService({ secret: 'a secret of this test', signOptions: { expiresIn: 60 } });
  let database: TestDatabase;
  let service: AuthService;

  beforeAll(async () => {
    database = await TestDatabase.create();
    service = new AuthService(database.db, jwt);
  });

  afterAll(() => database.close());

  it('issues a token that names the tenant', async () => {
    const tenant = await database.addTenant('Harbour Foods');

    const { accessToken } = await service.issueToken(tenant.apiKey);

    expect(jwt.verify(accessToken)).toMatchObject({ tenantId: tenant.id });
  });

  it('refuses an unknown key', async () => {
    await expect(service.issueToken('guess')).rejects.toMatchObject({ code: 'API_KEY_UNKNOWN' });
  });
});
