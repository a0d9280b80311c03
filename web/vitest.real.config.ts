import { defineConfig } from 'vitest/config';

// The page in a real browser with the data of a real coretap (tests/e2e/page_test.py starts it): one test at a time, in order.
export default defineConfig({
  cacheDir: '.vite',
  test: {
    include: ['tests/real/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
    pool: 'forks',
  },
});
