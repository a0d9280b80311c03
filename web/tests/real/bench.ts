// How quick and how small the page is, with the real coretap: what bench/page.py runs. One JSON object on stdout.
//   tsx tests/real/bench.ts --rate 1000 --seconds 5 --minutes 10
import { writeSync } from 'node:fs';
import type { CDPSession, Page } from 'playwright-core';
import { Browser } from '../e2e/browser';
import { Serve } from './serve';

const option = (name: string, fallback: number): number => {
  const at = process.argv.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(process.argv[at + 1]);
};
const rate = option('rate', 1000);
const seconds = option('seconds', 5);
const minutes = option('minutes', 10);
const peers = option('peers', 125);
const LOADS = 7;
/** How long somebody who walks through the views looks at one. */
const STAY_MS = 5000;

const VIEWS = ['overview', 'peers', 'peers/closed', 'peers/totals', 'peers/1', 'circle', 'blocks', 'mempool', 'utxo', 'messages', 'addr'];
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const median = (values: number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

/** The page as a first visitor gets it: nothing cached. */
async function load(browser: Browser, url: string): Promise<{ paint: number; data: number; bytes: number }> {
  const { page } = await browser.open('about:blank', { width: 1280, height: 900 });
  const session = await page.context().newCDPSession(page);
  let bytes = 0;
  session.on('Network.loadingFinished', (done) => (bytes += done.encodedDataLength));
  await session.send('Network.enable');
  await session.send('Network.setCacheDisabled', { cacheDisabled: true });
  await page.goto(url, { waitUntil: 'load' });
  const asset = bytes; // what the page is; the API's answers come after
  const data = await page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const look = (): void => (/[1-9]/.test(document.querySelector('.tile:nth-child(3) .tile-value')?.textContent ?? '') ? resolve(performance.now()) : void requestAnimationFrame(look));
        look();
      }),
  );
  const paint = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN);
  await page.close();
  return { paint, data, bytes: asset };
}
interface Frames {
  perSecond: number;
  /** 99 % of frames came within so many ms. */
  worst: number;
  /** Share of the time that the page's one thread works. */
  busy: number;
  /** Frames that Chromium showed: as many as there was something new to show. */
  shownPerSecond: number;
}
async function frames(page: Page, session: CDPSession, ms: number): Promise<Frames> {
  const worked = async (): Promise<number> => (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN;
  let shown = 0;
  const count = ({ value }: { value: object[] }): void => void (shown += value.filter((event) => (event as { name: string }).name === 'Display::FrameDisplayed').length);
  session.on('Tracing.dataCollected', count);
  await session.send('Performance.enable');
  await session.send('Tracing.start', { transferMode: 'ReportEvents', traceConfig: { includedCategories: ['benchmark'] } });
  const before = await worked();
  const measured = await page.evaluate(async (span) => {
    const stamps: number[] = [];
    await new Promise<void>((resolve) => {
      const step = (now: number): void => {
        stamps.push(now);
        if (now - stamps[0]! >= span) resolve();
        else requestAnimationFrame(step);
      };
      requestAnimationFrame(step);
    });
    const gaps = stamps.slice(1).map((stamp, i) => stamp - stamps[i]!).sort((a, b) => a - b);
    return { perSecond: ((stamps.length - 1) * 1000) / (stamps.at(-1)! - stamps[0]!), worst: gaps[Math.floor(gaps.length * 0.99)]! };
  }, ms);
  const busy = (await worked()) - before;
  const whole = new Promise<void>((resolve) => session.once('Tracing.tracingComplete', () => resolve()));
  await session.send('Tracing.end');
  await whole;
  session.off('Tracing.dataCollected', count);
  return { ...measured, busy: (busy * 1000) / ms, shownPerSecond: (shown * 1000) / ms };
}
async function heap(session: CDPSession): Promise<number> {
  await session.send('HeapProfiler.collectGarbage');
  return ((await session.send('Runtime.getHeapUsage')) as { usedSize: number }).usedSize / 1e6;
}
const go = (page: Page, view: string): Promise<void> => page.evaluate((hash) => void (location.hash = hash), `#/${view}`);

const serve = await Serve.sim(`--scenario mainnet --rate ${rate} --peers ${peers} --block-interval 20 --epoch now`);
const browser = new Browser();
const events = async (): Promise<number> => (await serve.api<{ events: number }>('snapshot')).events;
try {
  await browser.start();
  await sleep(3000);
  const loads = [];
  for (let i = 0; i < LOADS; i++) loads.push(await load(browser, serve.url));

  const { page, complaints } = await browser.open(`${serve.url}#/overview`, { width: 1280, height: 900 });
  const session = await page.context().newCDPSession(page);
  const [from, at] = [await events(), Date.now()];
  const views: Record<string, Frames> = {};
  for (const view of VIEWS) {
    await go(page, view);
    await sleep(1500);
    const got = (views[view] = await frames(page, session, seconds * 1000));
    console.error(`${view}: ${got.perSecond.toFixed(1)} frames a second, ${got.shownPerSecond.toFixed(1)} of them new; 99 % within ${got.worst.toFixed(1)} ms; ${(100 * got.busy).toFixed(0)} % busy`);
  }
  const perSecond = ((await events()) - from) / ((Date.now() - at) / 1000);

  // Somebody walks through the views, again and again. Every sample is taken in the same one.
  const samples: { minute: number; megabytes: number }[] = [];
  const began = Date.now();
  let next = 0;
  for (let i = 0; Date.now() - began < minutes * 60_000; i++) {
    await go(page, VIEWS[i % VIEWS.length]!);
    await sleep(STAY_MS);
    if (Date.now() - began < next * 60_000) continue;
    await go(page, 'utxo');
    await sleep(1000);
    samples.push({ minute: (Date.now() - began) / 60_000, megabytes: await heap(session) });
    console.error(`minute ${samples.at(-1)!.minute.toFixed(1)}: ${samples.at(-1)!.megabytes.toFixed(2)} MB`);
    next++;
  }
  const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
  const losses = await serve.api<{ total: number }>('losses');
  writeSync(
    1,
    JSON.stringify({
      events_per_s: perSecond,
      lost: losses.total,
      first_content_ms: median(loads.map((one) => one.paint)),
      first_data_ms: median(loads.map((one) => one.data)),
      bytes: median(loads.map((one) => one.bytes)),
      views,
      heap: samples,
      dom_nodes: nodes,
      complaints,
    }) + '\n',
  );
} finally {
  await browser.stop();
  await serve.stop();
}
