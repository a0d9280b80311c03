import { defineConfig } from 'vitest/config';

// One browser, one test at a time: what is measured (frames, first content) must not be disturbed by a neighbour.
export default defineConfig({
  test: {
    include: ['tests/e2e/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    pool: 'forks',
  },
});
