import { createHash } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { type Drizzle, tenants } from '@stockroom/database';
import { eq } from 'drizzle-orm';
import { DRIZZLE } from '../database/database.module';
import { DomainError } from '../shared/errors';
import type { TokenDto } from './token.dto';

@Injectable()
export class AuthService {
  constructor(
    @Inject(DRIZZLE) private readonly db: Drizzle,
    private readonly jwt: JwtService,
  ) {}

  /** Exchanges a tenant's API key for a short-lived access token. */
  async issueToken(apiKey: string): Promise<TokenDto> {
    const apiKeyHash = createHash('sha256').update(apiKey).digest('hex');
    const [tenant] = await this.db.select().from(tenants).where(eq(tenants.apiKeyHash, apiKeyHash));
    if (!tenant) throw new DomainError('The API key is not known', 'API_KEY_UNKNOWN');
    return { accessToken: await this.jwt.signAsync({ tenantId: tenant.id }) };
  }
}
