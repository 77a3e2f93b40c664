import { type ExecutionContext, UnauthorizedException } from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import { describe, expect, it } from 'vitest';
import { type AuthenticatedRequest, JwtAuthGuard } from './jwt-auth.guard';

const jwt = new JwtService({ secret: 'a secret of this test', signOptions: { expiresIn: 60 } });
const guard = new JwtAuthGuard(jwt);

function contextWith(authorization?: string) {
  const request = { headers: { authorization } } as AuthenticatedRequest;
  const context = { switchToHttp: () => ({ getRequest: () => request }) } as ExecutionContext;
  return { request, context };
}

describe('JwtAuthGuard', () => {
  it('notes the tenant of a valid token', async () => {
    const { request, context } = contextWith(`Bearer ${jwt.sign({ tenantId: 'harbour' })}`);

    expect(await guard.canActivate(context)).toBe(true);
    expect(request.tenantId).toBe('harbour');
  });

  it.each([undefined, 'Basic abc', 'Bearer', 'Bearer not-a-token'])('refuses %s', async (header) => {
    const { context } = contextWith(header);

    await expect(guard.canActivate(context)).rejects.toBeInstanceOf(UnauthorizedException);
  });
});
