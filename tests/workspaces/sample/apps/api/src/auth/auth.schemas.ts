import { z } from 'zod';

export const IssueTokenSchema = z.object({
  apiKey: z.string().min(1).max(200),
});
