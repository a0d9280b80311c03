// The page in a real browser, against the mock: what the stand-in does not do, or not at a given moment. What is asserted is what a
// person sees. That every view works at all, with real data, is in tests/real.
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startMock, type Mock, type MockOptions } from '../../mock/server';
import { Browser, type Look, type Tab } from './browser';
import { eventually, heading } from './checks';

const browser = new Browser();
let mock: Mock;
let tabs: Tab[] = [];

beforeAll(() => browser.start());
afterAll(() => browser.stop());
beforeEach(() => void (tabs = []));
afterEach(async () => {
  for (const tab of tabs) {
    await tab.page.close();
    expect(tab.complaints).toEqual([]);
  }
  await mock.close();
});
async function open(hash: string, options: MockOptions = {}, look: Look = {}): Promise<Page> {
  mock = await startMock(options);
  const tab = await browser.open(`${mock.url}#/${hash}`, look);
  tabs.push(tab);
  return tab.page;
}

describe('live', () => {
  test('a conversation: requests find their answers', async () => {
    const page = await open('peers/3', { rate: 400 });
    await page.locator('.seq-row').first().waitFor();
    await eventually(() => page.locator('.seq-delay').count(), (n) => n >= 3, 20_000);
    expect(await page.locator('.seq-bracket').count()).toBeGreaterThanOrEqual(3);
    expect(mock.subscriptions.at(-1)).toMatchObject({ decode: 'short', filter: { peer: [3] } });
    await page.getByRole('button', { name: 'No announcements' }).click();
    expect(await page.locator('.seq-row.f-inv').count()).toBe(0);
  });
  test('the conversation begins in the past where the daemon still holds it', async () => {
    const page = await open('peers', { rate: 400 });
    await page.waitForTimeout(3500);
    await page.evaluate(() => (location.hash = '#/peers/3'));
    // Far more than is said in that time: only the past can have it.
    await eventually(() => page.locator('.seq-row').count(), (n) => n > 15, 1000);
  });
});

describe('peers', () => {
  test('sorted, filtered, opened and left by keys alone', async () => {
    const page = await open('overview');
    await heading(page, 'Overview').waitFor();
    await page.keyboard.press('/');
    await page.locator('input[type=search]:focus').waitFor();
    await page.keyboard.type('tor in');
    await eventually(() => page.locator('.found').textContent(), (text) => /of 125 peers/.test(text ?? ''));
    expect(await page.locator('.pt-network').allTextContents()).toSatisfy((all: string[]) => all.length > 3 && all.every((one) => one === 'Tor'));
    await page.keyboard.press('ArrowDown');
    await page.locator('.pt-row:focus').waitFor();
    const first = await page.locator('.pt-row:focus').getAttribute('data-id');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowDown');
    const third = await page.locator('.pt-row:focus').getAttribute('data-id');
    expect(third).not.toBe(first);
    await page.keyboard.press('Enter');
    await heading(page, `Peer ${third}`).waitFor();
    await page.keyboard.press('Escape');
    await heading(page, 'Peers').waitFor();
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('.found').textContent(), (text) => text === '125 peers');
    await page.getByRole('button', { name: 'Ping' }).click();
    expect(await page.locator('[role=columnheader][aria-sort]').getAttribute('aria-sort')).toBe('descending');
    await page.getByRole('button', { name: 'Ping' }).click();
    expect(await page.locator('[role=columnheader][aria-sort]').getAttribute('aria-sort')).toBe('ascending');
  });
  test('focus stays with its peer while rows change places', async () => {
    const page = await open('peers', { rate: 1000 });
    await page.locator('.pt-row').first().waitFor();
    await page.keyboard.press('ArrowDown');
    const id = await page.locator('.pt-row:focus').getAttribute('data-id');
    await page.waitForTimeout(3500);
    expect(await page.locator('.pt-row:focus').getAttribute('data-id')).toBe(id);
  });
  test('rows keep their places while a pointer is about to click', async () => {
    const page = await open('peers', { rate: 1500 });
    await page.locator('.pt-row').first().waitFor();
    await page.waitForTimeout(2500);
    const order = () => page.evaluate(() => [...document.querySelectorAll<HTMLElement>('.pt-row')].sort((a, b) => Number(a.ariaRowIndex) - Number(b.ariaRowIndex)).map((row) => row.dataset.id).join());
    const box = (await page.locator('.pt-body').boundingBox())!;
    await page.mouse.move(box.x + 50, box.y + 50);
    const before = await order();
    for (let i = 0; i < 5; i++) {
      await page.waitForTimeout(500);
      await page.mouse.move(box.x + 51 + i, box.y + 50);
    }
    expect(await order()).toBe(before);
    await eventually(order, (now) => now !== before, 8000);
  });
  test('4,096 peers: few rows in the document, the last one reachable', async () => {
    const page = await open('peers', { peers: 4096, rate: 200 });
    await eventually(() => page.locator('.found').textContent(), (text) => text === '4,096 peers', 20_000);
    expect(await page.locator('.pt-row').count()).toBeLessThan(60);
    await page.keyboard.press('End');
    await page.locator('.pt-row:focus[aria-rowindex="4097"]').waitFor();
  });
  test('strange names are text, with escapes for what hides', async () => {
    const page = await open('peers');
    await page.locator('input[type=search]').fill('img');
    await page.getByText('<img src=x onerror=alert(1)>').waitFor();
    expect(await page.locator('img').count()).toBe(0);
    await page.locator('input[type=search]').fill('txt.exe');
    await page.getByText('/Satoshi:28.1.0/\\u202etxt.exe\\x07').waitFor();
  });
  test('an unknown peer', async () => {
    const page = await open('peers/999999');
    await page.getByText('No such peer').waitFor();
  });
});

describe('blocks', () => {
  test('a slow one stands out; its steps are a table, by click and by address', async () => {
    const page = await open('blocks');
    const slow = page.locator('.journey.is-slow').first();
    await slow.waitFor();
    expect(await slow.locator('.tag.warn').textContent()).toMatch(/slow to (validate|arrive)/);
    await slow.locator('.journey-head').click();
    await page.locator('.journey-details td', { hasText: 'first announced' }).first().waitFor();
    const address = await page.evaluate(() => location.hash);
    expect(address).toMatch(/^#\/blocks\/[0-9a-f]{64}$/);
    await page.reload();
    await page.locator('.journey-details').waitFor();
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('.journey-details').count(), (n) => n === 0);
    await page.getByText('incomplete').waitFor();
  });
});

test('what the node says by RPC stands beside what is traced; nothing of it where it is not asked', async () => {
  const page = await open('peers/3', { nodes: 2 });
  const said = (name: string) => page.locator('.facts div', { has: page.locator('dt', { hasText: name }) }).locator('dd').first();
  await page.getByRole('heading', { name: 'The node says by RPC' }).waitFor();
  expect(await said('Transport').textContent()).toBe('v1');
  expect(await said('Mapped AS').textContent()).toBe('AS24940');
  expect(await said('Permissions').textContent()).toBe('noban, download');
  await page.evaluate(() => (location.hash = '#/mempool'));
  await page.getByText('48,211').waitFor();
  await page.evaluate(() => (location.hash = '#/addr'));
  await page.getByRole('cell', { name: '49,213' }).waitFor();
  await page.getByLabel('Node').selectOption('signet');
  await page.getByText('Not known: it takes the node’s RPC').waitFor();
  await page.evaluate(() => (location.hash = '#/mempool'));
  await page.getByText('By reason, since coretap looks').first().waitFor();
  expect(await page.getByText('In the mempool', { exact: true }).isVisible()).toBe(false);
});

describe('circle', () => {
  test('pauses by key, hides a family, says how much it shows', async () => {
    const page = await open('circle', { rate: 300 });
    await page.getByText(/Showing every message/).waitFor();
    await page.keyboard.press(' ');
    await page.getByText('Paused').first().waitFor();
    await page.keyboard.press(' ');
    const pings = page.getByRole('button', { name: /Pings/ });
    await pings.click();
    expect(await pings.getAttribute('aria-pressed')).toBe('false');
  });
  test('too many to show: one in N', async () => {
    const page = await open('circle', { rate: 6000 });
    await page.getByText(/Showing 1 in \d+/).waitFor({ timeout: 15_000 });
  });
  test('reduced motion: nothing flies', async () => {
    const page = await open('circle', { rate: 300 }, { reducedMotion: true });
    await page.getByText(/reduced motion/).waitFor();
    await page.waitForTimeout(1200);
    const drawn = await page.evaluate(async () => {
      const canvas = document.querySelector('canvas')!;
      let last = canvas.toDataURL();
      let changes = 0;
      for (let i = 0; i < 8; i++) {
        await new Promise((resolve) => setTimeout(resolve, 60));
        const next = canvas.toDataURL();
        if (next !== last) changes++;
        last = next;
      }
      return changes;
    });
    expect(drawn).toBeLessThan(4); // with each snapshot, once a second
  });
});
