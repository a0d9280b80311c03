// The pictures of the README, made anew:  scripts/web_test.sh build/web tsx tests/real/pictures.ts "$PWD/docs/img"
// The real coretap and its stand-in; some minutes, so that there is something to see.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { Browser } from '../e2e/browser';
import { CORETAP_SIM, Serve, Sim } from './serve';

const out = process.argv[2];
if (!out) throw new Error('where to? an absolute path');
const minutes = Number(process.argv[3] ?? 7);
mkdirSync(out, { recursive: true });
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const folder = mkdtempSync(join(tmpdir(), 'node-'));
const program = join(folder, 'coretap-sim');
copyFileSync(CORETAP_SIM, program);
const sim = await Sim.start(program, ['--rate', '250', '--peers', '80', '--block-interval', '150', '--epoch', 'now', '--seed', '11', '--datadir', '/var/lib/bitcoind', '--chain', 'main']);
const serve = await Serve.start(['--binary', program]);
const browser = new Browser();

/** Chromium writes WebP by itself: a third of a PNG, and text stays sharp at twice the size. */
async function save(page: Page, name: string): Promise<void> {
  const png = (await page.screenshot()).toString('base64');
  const webp = await page.evaluate(async (data) => {
    const image = new Image();
    image.src = `data:image/png;base64,${data}`;
    await image.decode();
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [image.width, image.height];
    canvas.getContext('2d')!.drawImage(image, 0, 0);
    return canvas.toDataURL('image/webp', 0.82).split(',')[1]!;
  }, png);
  const bytes = Buffer.from(webp, 'base64');
  writeFileSync(join(out!, `${name}.webp`), bytes);
  console.log(`${name}.webp: ${(bytes.length / 1024).toFixed(0)} KiB`);
}
async function picture(name: string, hash: string, dark: boolean, wait: number): Promise<void> {
  const { page, complaints } = await browser.open(`${serve.url}#/${hash}`, { dark });
  const session = await page.context().newCDPSession(page);
  await session.send('Emulation.setDeviceMetricsOverride', { width: 1280, height: 820, deviceScaleFactor: 2, mobile: false });
  await sleep(wait);
  await save(page, name);
  if (complaints.length) throw new Error(complaints.join('\n'));
  await page.close();
}
try {
  await browser.start();
  await sleep(minutes * 60_000);
  await picture('overview', 'overview', true, 20_000);
  await picture('circle', 'circle', true, 5000);
  const { peers } = await serve.api<{ peers: { id: number; inbound: boolean; messages_in: number; ping: { answered: number } }[] }>('peers');
  const talker = peers.filter((peer) => !peer.inbound).sort((a, b) => b.messages_in - a.messages_in)[0]!;
  await picture('peer', `peers/${talker.id}`, false, 25_000);
  // A block of which something was missing: its journey has most to tell.
  const { blocks } = await serve.api<{ blocks: { hash: string; connected_utc_ms: number | null; compact: { requested: number | null }[] }[] }>('blocks?limit=12');
  const block = blocks.find((one) => one.connected_utc_ms && one.compact.some(({ requested }) => requested)) ?? blocks[0]!;
  await picture('blocks', `blocks/${block.hash}`, false, 4000);
} finally {
  await browser.stop();
  await serve.stop();
  await sim.stop();
  rmSync(folder, { recursive: true, force: true });
}
