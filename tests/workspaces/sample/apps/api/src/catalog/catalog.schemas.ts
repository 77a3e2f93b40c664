import { z } from 'zod';

export const GtinSchema = z.string().regex(/^\d{8}(\d{4,6})?$/, 'must be a GTIN of 8, 12, 13 or 14 digits');

export const SearchCatalogSchema = z.object({
  q: z.string().trim().max(80).default(''),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});

export type SearchCatalogQuery = z.infer<typeof SearchCatalogSchema>;
