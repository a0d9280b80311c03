// A recording: the bar over the views, by mouse and by keys.
import type { Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startMock, type Mock, type MockOptions } from '../../mock/server';
import { Browser, type Look, type Tab } from './browser';
import { axe, eventually, heading, overflow } from './checks';

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
  mock = await startMock({ mode: 'replay', ...options });
  const tab = await browser.open(`${mock.url}#/${hash}`, look);
  tabs.push(tab);
  await heading(tab.page, 'Overview').or(heading(tab.page, 'Circle')).or(heading(tab.page, 'Peers')).waitFor();
  return tab.page;
}
const bar = (page: Page): Locator => page.getByRole('region', { name: 'Recording' });
const slider = (page: Page): Locator => page.getByRole('slider', { name: 'Time in the recording' });
const button = (page: Page, name: string): Locator => bar(page).getByRole('button', { name, exact: true });
const posted = (wanted: (all: Record<string, unknown>[]) => boolean): Promise<unknown> => eventually(() => Promise.resolve(mock.posts as Record<string, unknown>[]), wanted);

describe('the bar of a recording', () => {
  test('is there with a recording only', async () => {
    const page = await open('overview');
    await bar(page).waitFor();
    await page.close();
    tabs = [];
    await mock.close();
    const live = await open('overview', { mode: 'normal' });
    await live.waitForTimeout(1200);
    expect(await bar(live).isVisible()).toBe(false);
    await live.keyboard.press('Space');
    expect(mock.posts).toEqual([]);
  });
  test('is accessible and fits, dark and light, phone and wide', async () => {
    const page = await open('overview');
    await bar(page).waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      for (const width of [360, 1280, 2560]) {
        await page.setViewportSize({ width, height: 900 });
        await page.waitForTimeout(250);
        expect(await overflow(page), `${width} px`).toBeLessThanOrEqual(0);
        const box = (await slider(page).boundingBox())!;
        expect(box.width, `${width} px`).toBeGreaterThan(200);
        expect(await axe(page), `${colorScheme} ${width} px`).toEqual([]);
      }
    }
    expect(await slider(page).getAttribute('aria-valuetext')).toMatch(/\d\d:\d\d:\d\d UTC$/);
  });
  test('pauses and plays, by its button and by the space bar', async () => {
    const page = await open('overview');
    await button(page, 'Pause').click();
    await button(page, 'Play').waitFor();
    await posted((all) => all.length === 1 && all[0]!.paused === true);
    const held = await slider(page).inputValue();
    await page.waitForTimeout(1500);
    expect(await slider(page).inputValue()).toBe(held);
    await page.locator('h1').first().evaluate(() => (document.activeElement as HTMLElement).blur());
    await page.keyboard.press('Space');
    await button(page, 'Pause').waitFor();
    await posted((all) => all.length === 2 && all[1]!.paused === false);
    await slider(page).focus();
    await page.keyboard.press('Space');
    await button(page, 'Play').waitFor();
    await posted((all) => all.length === 3);
    // on a button the space bar presses that button, once
    await button(page, 'Play').focus();
    await page.keyboard.press('Space');
    await button(page, 'Pause').waitFor();
    expect(mock.posts).toHaveLength(4);
    expect(await page.locator('[aria-live=polite]').textContent()).toBe('Playing.');
  });
  test('goes where the slider is put, and says so meanwhile', async () => {
    const page = await open('overview');
    await bar(page).waitFor();
    const box = (await slider(page).boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await page.mouse.down();
    await page.mouse.move(box.x + box.width / 3, box.y + box.height / 2, { steps: 8 });
    await page.waitForTimeout(1300); // a snapshot comes meanwhile
    const put = await slider(page).inputValue();
    expect(mock.posts).toEqual([]);
    await page.mouse.up();
    await bar(page).getByText('going there…').waitFor();
    expect(await page.locator('[aria-live=polite]').textContent()).toMatch(/^Going to \d\d:\d\d:\d\d UTC\.$/);
    expect(await bar(page).getAttribute('aria-busy')).toBe('true');
    expect(await slider(page).inputValue()).toBe(put);
    await page.getByText(/^What you see adds up since \d\d:/).waitFor();
    expect(mock.posts).toHaveLength(1);
    const span = 5_400_000;
    expect(Number(put)).toBeGreaterThan(0.25 * span);
    expect(Number(put)).toBeLessThan(0.42 * span);
    expect(Number(await slider(page).inputValue())).toBeGreaterThanOrEqual(Number(put));
    expect(await bar(page).getAttribute('aria-busy')).toBeNull();
  });
  test('arrow keys move it; held down they are one move', async () => {
    const page = await open('overview');
    await button(page, 'Pause').click();
    await button(page, 'Play').waitFor();
    const before = Number(await slider(page).inputValue());
    await slider(page).focus();
    for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowLeft');
    await posted((all) => all.length === 2);
    await bar(page).getByText('going there…').waitFor({ state: 'hidden' });
    expect(mock.posts).toHaveLength(2);
    const step = Number(await slider(page).getAttribute('step'));
    const moved = before - Number(await slider(page).inputValue());
    expect(Math.abs(moved - 12 * step)).toBeLessThanOrEqual(step);
    await page.keyboard.press('End');
    await button(page, 'Play from the beginning').click();
    await posted((all) => all.at(-1)!.paused === false && typeof all.at(-1)!.at_utc_ms === 'number');
    await button(page, 'Pause').waitFor();
  });
  test('another speed', async () => {
    const page = await open('overview');
    const speed = page.getByLabel('Speed');
    expect(await speed.locator('option').allTextContents()).toEqual(['1×', '10×', '100×', 'As fast as it goes']);
    expect(await speed.inputValue()).toBe('10');
    await speed.selectOption('100');
    await posted((all) => all.length === 1 && all[0]!.speed === 100);
    await page.waitForTimeout(1500);
    expect(await speed.inputValue()).toBe('100');
  });
  test('the view shows the other time, where it was scrolled to', async () => {
    const page = await open('circle');
    await bar(page).waitFor();
    await page.setViewportSize({ width: 900, height: 420 });
    await page.evaluate(() => window.scrollTo(0, 120));
    const subscriptions = mock.subscriptions.length;
    const canvas = await page.locator('main > *').first().elementHandle();
    await slider(page).focus();
    await page.evaluate(() => window.scrollTo(0, 120));
    await page.keyboard.press('Home');
    await eventually(() => canvas!.evaluate((el) => el.isConnected), (connected) => !connected);
    await page.waitForTimeout(300);
    expect(await page.evaluate(() => window.scrollY)).toBe(120);
    expect(mock.subscriptions.length).toBe(subscriptions);
    expect(await slider(page).evaluate((el) => document.activeElement === el)).toBe(true);
  });
  test('a refusal is said in words', async () => {
    const page = await open('overview');
    const error = { code: 'rate_limited', message: 'too many changes of what is shown; try again in a second' };
    await page.route('**/api/v1/replay', (route) => (route.request().method() === 'POST' ? route.fulfill({ status: 429, json: { error } }) : route.fallback()));
    await button(page, 'Pause').click();
    await bar(page).getByText('too many changes').waitFor();
    expect(await axe(page)).toEqual([]);
  });
});
