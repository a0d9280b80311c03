import { defineConfig } from 'vitest/config';

// Two files, a browser each: most of the time they wait.
export default defineConfig({
  cacheDir: '.vite',
  test: {
    include: ['tests/e2e/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    pool: 'forks',
  },
});
