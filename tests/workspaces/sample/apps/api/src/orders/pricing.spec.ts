import type { CatalogItem } from '@stockroom/database';
import { describe, expect, it } from 'vitest';
import { orderTotal } from './pricing';

function item(listPriceCents: number, currency = 'EUR'): CatalogItem {
  return { gtin: '4006381333931', name: 'Oat milk', unit: 'case', listPriceCents, currency };
}

describe('orderTotal', () => {
  it('multiplies and adds', () => {
    const lines = [
      { item: item(1250), quantity: 4 },
      { item: item(300), quantity: 1 },
    ];

    expect(orderTotal(lines)).toEqual({ cents: 5300, currency: 'EUR' });
  });

  it('refuses lines in two currencies', () => {
    const lines = [
      { item: item(100), quantity: 1 },
      { item: item(100, 'CHF'), quantity: 1 },
    ];

    expect(() => orderTotal(lines)).toThrow('EUR, CHF');
  });
});
