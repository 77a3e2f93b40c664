import { z } from 'zod';

const ConfigSchema = z.object({
  DATABASE_URL: z.string().default('postgres://stockroom_app@localhost:5432/stockroom'),
  REDIS_URL: z.string().default('redis://localhost:6379'),
  JWT_SECRET: z.string().min(16),
  PORT: z.coerce.number().int().default(3000),
});

export type Config = z.infer<typeof ConfigSchema>;

/** Reads the environment once, at start. */
export function loadConfig(environment: NodeJS.ProcessEnv): Config {
  return ConfigSchema.parse(environment);
}
