import { z } from 'zod';
import { GtinSchema } from '../catalog/catalog.schemas';

export const CreateOrderSchema = z.object({
  customerId: z.uuid(),
  lines: z
    .array(z.object({ gtin: GtinSchema, quantity: z.number().int().min(1).max(10_000) }))
    .min(1)
    .max(200),
});

export const AnnotateOrderSchema = z.object({
  note: z.string().trim().max(500),
});

export type CreateOrderInput = z.infer<typeof CreateOrderSchema>;
export type AnnotateOrderInput = z.infer<typeof AnnotateOrderSchema>;
