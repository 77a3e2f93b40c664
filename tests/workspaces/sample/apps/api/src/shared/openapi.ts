import { applyDecorators } from '@nestjs/common';
import { ApiBadRequestResponse, ApiBody, ApiUnauthorizedResponse } from '@nestjs/swagger';
import { z } from 'zod';

type BodySchema = Extract<Parameters<typeof ApiBody>[0], { schema: unknown }>['schema'];

/** Documents a request body by the Zod schema that checks it. */
export function ApiZodBody(schema: z.ZodType): MethodDecorator {
  return ApiBody({ schema: z.toJSONSchema(schema, { target: 'openapi-3.0' }) as BodySchema });
}

/** The answers that every guarded endpoint can give besides its own. */
export function ApiCommonErrors(): MethodDecorator & ClassDecorator {
  return applyDecorators(
    ApiUnauthorizedResponse({ description: 'No valid access token' }),
    ApiBadRequestResponse({ description: 'The request is not valid' }),
  );
}
