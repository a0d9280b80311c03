// Pictures of every view, to be looked at:  npx tsx tests/e2e/shots.ts DIR [only]
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { startMock, type Mode } from '../../mock/server';
import { Browser, type Look } from './browser';

const dir = process.argv[2] ?? 'tests/e2e/shots';
const only = process.argv[3] ?? '';
mkdirSync(dir, { recursive: true });
const browser = new Browser();
await browser.start();
async function shoot(name: string, hash: string, look: Look & { mode?: Mode; nodes?: number; rate?: number; wait?: number; act?: string; full?: boolean } = {}): Promise<void> {
  if (only && !name.includes(only)) return;
  const mock = await startMock({ mode: look.mode, nodes: look.nodes, rate: look.rate ?? 250 });
  const { page, complaints } = await browser.open(`${mock.url}${hash}`, look);
  await page.waitForTimeout(look.wait ?? 4500);
  if (look.act === 'cut') {
    mock.refuse(true);
    await page.waitForTimeout(1500);
  } else if (look.act?.startsWith('click ')) {
    await page.locator(look.act.slice(6)).first().click();
    await page.waitForTimeout(1200);
  } else if (look.act) {
    await page.keyboard.press(look.act);
    await page.waitForTimeout(300);
  }
  await page.screenshot({ path: join(dir, `${name}.png`), fullPage: look.full ?? false });
  if (complaints.length) console.log(name, complaints);
  await page.close();
  await mock.close();
}
for (const dark of [true, false]) {
  const theme = dark ? 'dark' : 'light';
  await shoot(`overview-${theme}`, '#/overview', { dark, width: 1440, height: 1000 });
  await shoot(`peers-${theme}`, '#/peers', { dark, width: 1440, height: 900 });
  await shoot(`peer-${theme}`, '#/peers/3', { dark, width: 1440, height: 900, wait: 9000 });
  await shoot(`circle-${theme}`, '#/circle', { dark, width: 1440, height: 960, rate: 400 });
  await shoot(`blocks-${theme}`, '#/blocks', { dark, width: 1440, height: 900, act: 'click .is-slow .journey-head' });
  await shoot(`mempool-${theme}`, '#/mempool', { dark, width: 1440, height: 1000 });
  await shoot(`utxo-${theme}`, '#/utxo', { dark, width: 1440, height: 900 });
  await shoot(`messages-${theme}`, '#/messages', { dark, width: 1440, height: 1000 });
  await shoot(`addr-${theme}`, '#/addr', { dark, width: 1440, height: 1000 });
}
for (const view of ['overview', 'peers', 'peers/3', 'circle', 'blocks', 'mempool', 'utxo', 'messages', 'addr']) {
  await shoot(`phone-${view.replace('/', '-')}`, `#/${view}`, { dark: view.length % 2 === 0, width: 360, height: 780, full: true });
}
await shoot('wide-overview', '#/overview', { dark: true, width: 2560, height: 1300 });
await shoot('wide-peers', '#/peers', { width: 2560, height: 1300 });
await shoot('lossy', '#/overview', { mode: 'lossy', width: 1440, height: 1000 });
await shoot('empty', '#/overview', { mode: 'empty', dark: true });
await shoot('empty-blocks', '#/blocks', { mode: 'empty' });
await shoot('nonode', '#/overview', { mode: 'nonode', dark: true });
await shoot('stopped', '#/overview', { mode: 'stopped' });
await shoot('lost', '#/overview', { act: 'cut', dark: true });
await shoot('replay', '#/overview', { mode: 'replay', dark: true, nodes: 2 });
await shoot('broken', '#/mempool', { mode: 'broken' });
await shoot('help', '#/peers', { act: '?', dark: true });
await shoot('still-circle', '#/circle', { reducedMotion: true });
await browser.stop();
