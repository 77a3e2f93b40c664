import { describe, expect, it } from 'vitest';
import { assertMove } from './order-lifecycle';

describe('assertMove', () => {
  it('lets an open order be confirmed', () => {
    expect(() => assertMove('open', 'confirmed')).not.toThrow();
  });

  it('names both statuses of a refused move', () => {
    expect(() => assertMove('shipped', 'open')).toThrow('A shipped order cannot become open');
  });
});
