import type { CatalogItem } from '@stockroom/database';

export interface PricedLine {
  item: CatalogItem;
  quantity: number;
}

export interface Total {
  cents: number;
  currency: string;
}

/** Adds up lines at list price. */
export function orderTotal(lines: PricedLine[]): Total {
  const currencies = [...new Set(lines.map(({ item }) => item.currency))];
  const [currency] = currencies;
  if (!currency || currencies.length > 1) {
    throw `Lines must share one currency, got ${currencies.join(', ')}`;
  }
  const cents = lines.reduce((sum, { item, quantity }) => sum + quantity * item.listPriceCents, 0);
  return { cents, currency };
}
