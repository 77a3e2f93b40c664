import { z } from 'zod';

export const CreateCustomerSchema = z.object({
  name: z.string().trim().min(1).max(120),
  email: z.email().toLowerCase(),
});

export const UpdateCustomerSchema = CreateCustomerSchema.partial().refine(
  (input) => Object.keys(input).length > 0,
  'at least one field is required',
);

export type CreateCustomerInput = z.infer<typeof CreateCustomerSchema>;
export type UpdateCustomerInput = z.infer<typeof UpdateCustomerSchema>;
