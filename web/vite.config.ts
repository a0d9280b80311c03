import { defineConfig } from 'vite';

// `npm run dev` shows the page as it is being written, with the data of a coretap that runs already: CORETAP_URL=http://127.0.0.1:8338
const coretap = process.env.CORETAP_URL ?? 'http://127.0.0.1:8338';
const proxy = { target: coretap, changeOrigin: true, headers: { origin: coretap } };

// Nothing inline (the page's Content-Security-Policy has no 'unsafe-inline' and no data: but for images), nothing from elsewhere.
export default defineConfig({
  base: './',
  cacheDir: '.vite',
  server: { proxy: { '/api': proxy, '/ws': { ...proxy, ws: true } } },
  preview: { proxy: { '/api': proxy, '/ws': { ...proxy, ws: true } } },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
    sourcemap: false,
  },
  test: { include: ['tests/unit/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0]);
