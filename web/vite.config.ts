import { defineConfig } from 'vite';

// Nothing inline (the page's Content-Security-Policy has no 'unsafe-inline' and no data: but for images), nothing from elsewhere.
export default defineConfig({
  base: './',
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    sourcemap: false,
  },
  test: { include: ['tests/unit/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0]);
