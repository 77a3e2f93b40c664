import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ValidationError } from './errors';
import { ZodValidationPipe } from './zod-validation.pipe';

describe('ZodValidationPipe', () => {
  const pipe = new ZodValidationPipe(z.object({ limit: z.coerce.number().int().max(50) }));

  it('returns the parsed value', () => {
    expect(pipe.transform({ limit: '20', extra: true })).toEqual({ limit: 20 });
  });

  it('names the field that is wrong', () => {
    expect(() => pipe.transform({ limit: 80 })).toThrow(ValidationError);
    try {
      pipe.transform({ limit: 80 });
    } catch (error) {
      expect(error).toMatchObject({ context: { issues: [{ path: 'limit' }] } });
    }
  });
});
