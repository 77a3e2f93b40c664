import type { PipeTransform } from '@nestjs/common';
import type { z } from 'zod';
import { ValidationError } from './errors';

/** Parses a parameter with a schema, so that a handler only sees valid input. */
export class ZodValidationPipe<S extends z.ZodType> implements PipeTransform<unknown, z.infer<S>> {
  constructor(private readonly schema: S) {}

  transform(value: unknown): z.infer<S> {
    const result = this.schema.safeParse(value);
    if (!result.success) throw new ValidationError(result.error.issues);
    return result.data;
  }
}
