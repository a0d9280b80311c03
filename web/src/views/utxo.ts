import type { CoinSelection, Utxo } from '../api';
import { h, quantity, show } from '../lib/dom';
import { clock, count, duration, integer, memory, percent, perSecond, safe, text, age } from '../lib/format';
import { bars, histogram, empty, panel, Place, poll, tile, tiles, type Tile } from '../lib/widgets';
import type { Context, View } from '../view';
import { ranked } from '../lib/ranked';
import { setFacts } from './overview';
import { spanOf } from './mempool';

const MODES: Record<string, string> = { NONE: 'none', IF_NEEDED: 'if needed', PERIODIC: 'periodic', FORCE_FLUSH: 'forced', FORCE_SYNC: 'forced, kept in memory' };
const ALGORITHMS: Record<string, string> = { bnb: 'branch and bound', knapsack: 'knapsack', srd: 'single random draw', 'cg': 'coin grinder', manual: 'chosen by hand' };

export function makeUtxo({ store }: Context): View {
  const added = tile('Coins added');
  const spent = tile('Coins spent');
  const uncached = tile('Coins uncached');
  const size = tile('Cache at the last flush');
  const last = tile('Last flush');
  const flushes = h('div');
  const algorithms = bars('Coin selections by algorithm', ['Algorithm', 'Selections']);
  const wallet = h('dl', { class: 'facts' });
  const noWallet = h('p', { class: 'none' }, 'No wallet of this node chose coins since coretap looks.');
  const times = histogram('Duration of flushes', spanOf, '');
  const long = panel('How long they took', { cls: 'wide', hint: 'All flushes. While one runs, the node does little else' }, times.el);
  const content = h('div', null, tiles(added, spent, uncached, size, last), h('div', { class: 'grid halves' }, panel('Flushes', { cls: 'wide', hint: 'Of the cache to disk, by what caused them' }, flushes), long, panel('Coin selection', { cls: 'wide', hint: 'What the node’s own wallets spend, and how they choose it' }, noWallet, wallet, h('div', { class: 'below' }, algorithms.el))));
  const place = new Place(content);
  const el = h('div', { class: 'view' }, h('div', { class: 'view-head' }, h('h1', null, 'UTXO cache')), place.el);
  let before: { utxo: Utxo; at: number } | undefined;
  const polling = poll<Utxo>(
    'utxo',
    () => ({ node: store.nodeParam() }),
    2000,
    (utxo) => {
      place.ready();
      const now = performance.now();
      const rate = (now0: number | undefined, old: number | undefined): string => (before === undefined || now0 === undefined || old === undefined ? 'a moment…' : `${text(perSecond(Math.max(0, now0 - old) / ((now - before.at) / 1000), 'coins'))} now`);
      // Adds and spends are many; they are counted only where somebody asked for it.
      const known = (name: string): boolean => store.snapshot?.self?.tracepoints === undefined || name in store.snapshot.self.tracepoints;
      const put = (where: Tile, name: string, total: number | undefined, old: number | undefined): void =>
        known(name) || total ? where.set(count(total), rate(total, old)) : where.set({ value: '–', unit: '' }, `not traced: --count-only ${name}`);
      put(added, 'utxocache:add', utxo.added, before?.utxo.added);
      put(spent, 'utxocache:spent', utxo.spent, before?.utxo.spent);
      put(uncached, 'utxocache:uncache', utxo.uncached, before?.utxo.uncached);
      before = { utxo, at: now };
      drawCoins(utxo.coins ?? {});
      draw(utxo);
    },
    (error) => place.failed(error, () => polling.now()),
  );
  function drawCoins(coins: CoinSelection): void {
    const chosen = ranked(coins.selected, 10);
    const attempts = (coins.created ?? 0) + (coins.failed ?? 0);
    const some = chosen.length > 0 || attempts > 0;
    show(noWallet, !some);
    show(wallet, some);
    show(algorithms.el, some);
    setFacts(wallet, [
      ['Transactions', `${integer(coins.created)} made, ${integer(coins.failed)} failed (${text(percent(coins.failed, attempts))})`],
      ['Without reuse', `avoiding partial spends was tried ${integer(coins.aps_attempts)} times, and used ${integer(coins.aps_used)} times`],
    ]);
    algorithms.set(
      chosen.map(([name, n]) => ({ label: ALGORITHMS[name] ?? safe(name, 40), value: n, color: 'c--f-tx', shown: count(n, 'times'), title: safe(name, 40) })),
      'No selection yet.',
    );
  }
  let drawn = '';
  function draw(utxo: Utxo): void {
    const list = [...(utxo.flushes ?? [])].filter((flush) => flush.count > 0).sort((a, b) => (b.last_utc_ms ?? 0) - (a.last_utc_ms ?? 0));
    const newest = list[0];
    show(long, newest !== undefined);
    size.set(memory(newest?.last_memory_bytes), newest ? text(count(newest.last_coins, 'coins')) : 'no flush seen yet');
    last.set({ value: newest?.last_utc_ms ? age((store.now() - newest.last_utc_ms) / 1000) : '–', unit: '' }, newest?.last_utc_ms ? `ago, at ${clock(newest.last_utc_ms)}` : 'no flush seen yet');
    const key = JSON.stringify(list);
    if (key === drawn) return;
    drawn = key;
    const first = list[0]?.seconds;
    times.set(first && { bounds: first.bounds, counts: first.counts.map((_, i) => list.reduce((sum, flush) => sum + (flush.seconds?.counts[i] ?? 0), 0)), sum: list.reduce((sum, flush) => sum + (flush.seconds?.sum ?? 0), 0), count: list.reduce((sum, flush) => sum + (flush.seconds?.count ?? 0), 0) });
    if (list.length === 0) return flushes.replaceChildren(empty('No flush yet', 'Bitcoin Core writes its cache to disk about once an hour, and when it is full.', 'utxo'));
    const th = (words: string, number = false): HTMLElement => h('th', { scope: 'col', class: number ? 'num' : '' }, words);
    flushes.replaceChildren(
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Flushes by cause' },
        h(
          'table',
          { class: 'plain' },
          h('thead', null, h('tr', null, th('Cause'), th('Flushes', true), th('Coins written', true), th('Mean time', true), th('Last', true), th('Memory then', true), th('Coins then', true))),
          h('tbody', null, ...list.map((flush) =>
            h('tr', null, h('td', null, MODES[flush.mode] ?? safe(flush.mode, 40), flush.for_prune ? h('span', { class: 'tag' }, 'pruning') : null), h('td', { class: 'num' }, quantity(count(flush.count))), h('td', { class: 'num' }, quantity(count(flush.coins))), h('td', { class: 'num' }, quantity(duration(flush.seconds?.count ? (flush.seconds.sum / flush.seconds.count) * 1e9 : undefined))), h('td', { class: 'num' }, clock(flush.last_utc_ms)), h('td', { class: 'num' }, quantity(memory(flush.last_memory_bytes))), h('td', { class: 'num' }, quantity(count(flush.last_coins)))),
          )),
        ),
      ),
    );
  }
  return { title: 'UTXO cache', el, update() {}, destroy: () => polling.stop() };
}
