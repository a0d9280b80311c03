// Debian's Chromium, and a page that tells what went wrong in it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';

export interface Tab {
  page: Page;
  /** Errors, policy violations, and requests that went to anybody but the daemon. */
  complaints: string[];
}
export interface Look {
  width?: number;
  height?: number;
  dark?: boolean;
  reducedMotion?: boolean;
}
export class Browser {
  #profile = mkdtempSync(join(tmpdir(), 'coretap-page-'));
  #context: BrowserContext | undefined;

  async start(): Promise<void> {
    this.#context = await chromium.launchPersistentContext(this.#profile, {
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
      headless: true,
      args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    });
  }
  async open(url: string, look: Look = {}): Promise<Tab> {
    const page = await this.#context!.newPage();
    await page.setViewportSize({ width: look.width ?? 1280, height: look.height ?? 860 });
    await page.emulateMedia({ colorScheme: look.dark ? 'dark' : 'light', reducedMotion: look.reducedMotion ? 'reduce' : 'no-preference' });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
    page.on('console', (message) => {
      // What a lost connection makes the browser say is no mistake of the page.
      if (message.type() === 'error' && !/WebSocket connection to|Failed to load resource|ERR_/.test(message.text())) complaints.push(`console: ${message.text()}`);
    });
    const { origin } = new URL(url);
    page.on('request', (request) => {
      if (!request.url().startsWith(origin) && !request.url().startsWith('data:')) complaints.push(`request to ${request.url()}`);
    });
    await page.addInitScript('globalThis.__name = (f) => f'); // tsx wraps the functions that evaluate() sends in it
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
    });
    await page.goto(url);
    return { page, complaints };
  }
  async stop(): Promise<void> {
    await this.#context?.close();
    rmSync(this.#profile, { recursive: true, force: true });
  }
}
