import { type ArgumentsHost, Catch, type ExceptionFilter, HttpStatus } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { ConflictError, DomainError, NotFoundError, ValidationError } from './errors';

/** Answers domain errors with their code; everything else is left to Nest. */
@Catch(DomainError)
export class DomainErrorFilter implements ExceptionFilter<DomainError> {
  catch(error: DomainError, host: ArgumentsHost): void {
    const { code, message, context } = error;
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    void reply.status(statusOf(error)).send({ code, message, context });
  }
}

function statusOf(error: DomainError): HttpStatus {
  if (error instanceof NotFoundError) return HttpStatus.NOT_FOUND;
  if (error instanceof ConflictError) return HttpStatus.CONFLICT;
  if (error instanceof ValidationError) return HttpStatus.BAD_REQUEST;
  return HttpStatus.UNPROCESSABLE_ENTITY;
}
