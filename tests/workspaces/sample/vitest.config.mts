import { defineConfig } from 'vitest/config';

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    include: [
      'apps/api/src/**/*.spec.ts',
      'apps/api/test/**/*.e2e-spec.ts',
      'packages/database/test/**/*.spec.ts',
    ],
    globalSetup: 'packages/database/test/template.ts',
    isolate: false,
    hookTimeout: 60_000,
    testTimeout: 30_000,
  },
});
