import { createParamDecorator, type ExecutionContext, UnauthorizedException } from '@nestjs/common';
import type { AuthenticatedRequest } from './jwt-auth.guard';

/** The tenant that the access token was issued to. */
export const CurrentTenant = createParamDecorator((_data: undefined, context: ExecutionContext) => {
  const { tenantId } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (!tenantId) throw new UnauthorizedException('An access token is required');
  return tenantId;
});
