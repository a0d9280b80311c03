// The page that is embedded in coretap, in a real browser, with what real probes see of the stand-in. What needs made-up data (losses,
// thousands of peers, strange names, slow blocks) is in tests/e2e, against the mock.
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { Browser, type Look, type Tab } from '../e2e/browser';
import { axe, eventually, heading, overflow, tileOf } from '../e2e/checks';
import { CORETAP_SIM, Serve, Sim } from './serve';

const browser = new Browser();
const folder = mkdtempSync(join(tmpdir(), 'coretap-page-'));
/** A path of our own: other stand-ins on this machine are not ours. */
const sim = join(folder, 'node');
let tabs: Tab[] = [];
const started: { stop(): Promise<void> }[] = [];
const keep = <T extends { stop(): Promise<void> }>(one: T): T => (started.push(one), one);

beforeAll(async () => {
  copyFileSync(CORETAP_SIM, sim);
  await browser.start();
});
afterAll(async () => {
  await browser.stop();
  for (const one of started.reverse()) await one.stop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(async () => {
  for (const { page, complaints } of tabs) {
    await page.close();
    // No error, nothing against the policy, nobody asked but the daemon.
    expect(complaints).toEqual([]);
  }
  tabs = [];
});
async function open(url: string, look: Look = {}): Promise<Page> {
  const tab = await browser.open(url, look);
  tabs.push(tab);
  return tab.page;
}
const go = (page: Page, view: string): Promise<void> => page.evaluate((hash) => void (location.hash = hash), `#/${view}`);
const digits = (text: string | null): number => Number((text ?? '').replace(/\D/g, '') || NaN);
const fact = (page: Page, name: string) => page.locator('.facts div', { has: page.locator('dt', { hasText: name }) }).locator('dd').first();

describe('a node that works', () => {
  const NODE = '--scenario mainnet --rate 400 --peers 40 --block-interval 4 --epoch now';
  let serve: Serve;
  beforeAll(async () => void (serve = keep(await Serve.sim(NODE))));

  /** What shows that a view has live data. */
  const VIEWS: [string, string, (page: Page) => Promise<unknown>][] = [
    ['overview', 'Overview', (page) => eventually(() => tileOf(page, 'Height').textContent(), (text) => digits(text) > 800_000)],
    ['peers', 'Peers', (page) => page.locator('.pt-row').nth(5).waitFor()],
    ['peers/closed', 'Closed peers', (page) => page.locator('.pt-row').first().waitFor({ timeout: 20_000 })],
    ['peers/totals', 'Peers in sum', (page) => eventually(() => tileOf(page, 'Connected to us').textContent(), (text) => digits(text) > 5)],
    ['peers/1', 'Peer 1', (page) => page.locator('.seq-row').first().waitFor({ timeout: 20_000 })],
    ['circle', 'Circle', (page) => page.locator('.sampling', { hasText: /messages\/s/ }).waitFor()],
    ['blocks', 'Blocks', (page) => page.locator('.journey').first().waitFor()],
    ['mempool', 'Mempool', (page) => page.locator('.hist-bar').first().waitFor({ state: 'attached' })],
    ['utxo', 'UTXO cache', (page) => eventually(() => tileOf(page, 'Coins uncached').textContent(), (text) => digits(text) > 0)],
    ['messages', 'Messages', (page) => page.locator('tbody th', { hasText: /^inv$/ }).waitFor()],
    ['addr', 'Addresses', (page) => eventually(() => tileOf(page, 'Addresses from peers').textContent(), (text) => digits(text) > 0)],
  ];
  test.each(VIEWS)('%s: has live data, is accessible, fits narrow and wide, dark and light', async (view, name, alive) => {
    const page = await open(`${serve.url}#/${view}`);
    await heading(page, name).waitFor();
    await alive(page);
    await eventually(() => page.locator('.skeleton').count(), (n) => n === 0);
    for (const [colorScheme, width] of [['dark', 360], ['light', 1600]] as const) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height: 900 });
      await page.waitForTimeout(150);
      expect(await overflow(page), `${width} px`).toBeLessThanOrEqual(0);
      expect(await axe(page), `${colorScheme} ${width} px`).toEqual([]);
    }
  });

  test('the policy is strict, and what is embedded is the page', async () => {
    const answer = await fetch(serve.url);
    expect(answer.headers.get('content-security-policy')).toMatch(/^default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:/);
    expect(await answer.text()).toContain('<div id="app">');
  });

  test('live: what the page says is what the API says, and it moves', async () => {
    const page = await open(`${serve.url}#/overview`);
    await heading(page, 'Overview').waitFor();
    await page.getByText('All is well').waitFor();
    const events = async (): Promise<number> => digits(await fact(page, 'Events seen').textContent());
    const before = await events();
    await eventually(events, (n) => n > before + 400);
    const said = await serve.api<{ nodes: { height: number }[]; losses: { total: number } }>('snapshot');
    await eventually(() => tileOf(page, 'Height').textContent(), (text) => digits(text) >= said.nodes[0]!.height);
    await eventually(
      async () => [digits(await tileOf(page, 'Peers').textContent()), (await serve.api<{ peers: unknown[] }>('peers')).peers.length],
      ([shown, there]) => shown === there,
    );
    await eventually(
      async () => [digits(await tileOf(page, 'Lost events').textContent()), (await serve.api<{ losses: { total: number } }>('snapshot')).losses.total],
      ([shown, there]) => shown === there,
    );
    // both charts are drawn, whatever of the history there is
    await eventually(() => page.locator('.uplot canvas').count(), (n) => n === 2);
    // who comes and goes is told as it happens
    const told = await page.locator('.feed li').first().textContent();
    await eventually(() => page.locator('.feed li').first().textContent(), (text) => text !== told, 20_000);
  });

  test('a conversation: requests find their answers', async () => {
    const page = await open(`${serve.url}#/peers/2`);
    await page.locator('.seq-row').first().waitFor({ timeout: 20_000 });
    await eventually(() => page.locator('.seq-delay').count(), (n) => n >= 1, 20_000);
  });

  test('keys alone: filter, open, leave, and everywhere by g and a letter', async () => {
    const page = await open(`${serve.url}#/overview`);
    await heading(page, 'Overview').waitFor();
    await page.keyboard.press('/');
    await page.locator('input[type=search]:focus').waitFor();
    await page.keyboard.type('out');
    await eventually(() => page.locator('.pt-direction').allTextContents(), (all) => all.length > 2 && all.every((one) => one === 'out'));
    // Peers come and go: the one under the cursor too, and then the next is tried.
    await eventually(
      async () => {
        await page.keyboard.press('ArrowDown');
        const id = await page.evaluate(() => (document.activeElement as HTMLElement | null)?.closest<HTMLElement>('.pt-row')?.dataset.id);
        if (id === undefined) return false;
        await page.keyboard.press('Enter');
        return heading(page, `Peer ${id}`).waitFor({ timeout: 2000 }).then(() => true, () => false);
      },
      (opened) => opened,
      20_000,
    );
    await page.keyboard.press('Escape');
    await heading(page, 'Peers').waitFor();
    for (const [key, name] of [['c', 'Circle'], ['b', 'Blocks'], ['m', 'Mempool'], ['u', 'UTXO cache'], ['t', 'Messages'], ['a', 'Addresses'], ['o', 'Overview'], ['p', 'Peers']] as const) {
      await page.keyboard.press('g');
      await page.keyboard.press(key);
      await heading(page, name).waitFor();
    }
    await page.keyboard.press('?');
    await page.getByRole('dialog', { name: 'Keyboard' }).waitFor();
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('dialog').count(), (n) => n === 0);
  });

  test('what cannot be had says so, and is tried again', async () => {
    const page = await open(`${serve.url}#/peers/999999`);
    await page.getByText('No such peer').waitFor();
    await page.route('**/api/v1/mempool*', (route) => route.abort());
    await go(page, 'mempool');
    await page.getByText('The daemon does not answer.').waitFor();
    await page.unroute('**/api/v1/mempool*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByText('By reason, since coretap looks').first().waitFor();
  });

  test('coretap ends and comes back on the same port: the page says so, waits, and goes on', async () => {
    const page = await open(`${serve.url}#/overview`);
    await heading(page, 'Overview').waitFor();
    await eventually(() => page.locator('.pill').textContent(), (text) => text === 'Running');
    const peers = async (): Promise<number> => digits(await tileOf(page, 'Peers').textContent());
    await eventually(peers, (n) => n > 30);
    const { port } = serve;
    await serve.stop();
    await page.locator('.banner', { hasText: 'Connection lost.' }).waitFor();
    expect(await page.locator('.pill').textContent()).toBe('Not connected');
    serve = keep(await Serve.sim(NODE.replace('--peers 40', '--peers 10'), port));
    // by itself, within seconds ("Try now" could be gone before it is clicked)
    await eventually(() => page.locator('.pill').textContent(), (text) => text === 'Running', 20_000);
    await page.locator('.banner').waitFor({ state: 'hidden' });
    // it is the new life that shows
    await eventually(peers, (n) => n > 0 && n < 20);
    await eventually(() => page.locator('.feed li').count(), (n) => n > 0, 20_000);
  });
});

describe('no node, one, two', () => {
  test('without a node it says so; nodes come, and one is chosen', async () => {
    const serve = keep(await Serve.start(['--binary', sim]));
    const page = await open(`${serve.url}#/overview`);
    await page.getByText('No node yet').waitFor();
    await eventually(() => page.locator('.pill').textContent(), (text) => text === 'No node');
    expect(await axe(page)).toEqual([]);

    const first = await Sim.start(sim, ['--datadir', '/nowhere/first', '--chain', 'signet', '--rate', '200', '--peers', '10']);
    await heading(page, 'Overview').waitFor();
    await eventually(() => tileOf(page, 'Peers').textContent(), (text) => digits(text) > 3, 20_000);
    expect(await page.title()).toContain('first');
    const second = keep(await Sim.start(sim, ['--datadir', '/nowhere/second', '--chain', 'main', '--rate', '200', '--peers', '20', '--seed', '2']));
    const picker = page.getByLabel('Node');
    await eventually(() => picker.locator('option').allTextContents(), (all) => all.length === 2, 20_000);
    await first.stop();
    await eventually(() => page.locator('.pill').textContent(), (text) => text === 'Stopped');
    await page.getByText('The node has ended.').waitFor();
    await eventually(() => picker.locator('option').allTextContents(), (all) => all.join() === 'first (ended),second');

    // who opens the page now sees the one that runs
    const late = await open(`${serve.url}#/peers`);
    await eventually(() => late.title(), (title) => title.includes('second'));
    await eventually(() => late.locator('.pill').textContent(), (text) => text === 'Running');
    await late.keyboard.press('n');
    await eventually(() => late.title(), (title) => title.includes('first'));
    await picker.selectOption('second');
    await eventually(() => tileOf(page, 'Height').textContent(), (text) => text !== null);
    expect(await page.title()).toContain('second');
    await second.stop();
  });
});
