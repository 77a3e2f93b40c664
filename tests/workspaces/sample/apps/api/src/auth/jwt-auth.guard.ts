import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { JwtService } from '@nestjs/jwt';
import type { FastifyRequest } from 'fastify';

export interface AccessToken {
  tenantId: string;
}

export type AuthenticatedRequest = FastifyRequest & { tenantId?: string };

/** Admits requests with a valid access token and notes whose it is. */
@Injectable()
export class JwtAuthGuard implements CanActivate {
  constructor(private readonly jwt: JwtService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const [scheme, token] = request.headers.authorization?.split(' ') ?? [];
    if (scheme !== 'Bearer' || !token) {
      throw new UnauthorizedException('An access token is required');
    }
    request.tenantId = (await this.verify(token)).tenantId;
    return true;
  }

  private async verify(token: string): Promise<AccessToken> {
    try {
      return await this.jwt.verifyAsync<AccessToken>(token);
    } catch {
      throw new UnauthorizedException('The access token is not valid');
    }
  }
}
