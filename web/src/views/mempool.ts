import type { Mempool } from '../api';
import { coveredBy, rates, stepsOf } from '../lib/history';
import { TimeChart } from '../lib/charts';
import { h, setText, show } from '../lib/dom';
import { bitcoin, count, integer, memory, percent, perSecond, safe, text } from '../lib/format';
import { bars, histogram, panel, Place, poll, tile, tiles } from '../lib/widgets';
import type { Context, View } from '../view';

/** Bounds of histograms: as few digits as say it. */
export const plainNumber = (n: number): string => (n >= 1000 ? text(count(n)) : String(Number(n.toPrecision(2))));
export function spanOf(seconds: number): string {
  if (seconds > 0 && seconds < 1) return `${Number((seconds * 1000).toPrecision(2))} ms`;
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  if (seconds < 3600) return `${Number((seconds / 60).toPrecision(2))} min`;
  return seconds < 86_400 ? `${Number((seconds / 3600).toPrecision(2))} h` : `${Number((seconds / 86_400).toPrecision(2))} d`;
}

const megabytes = (vsize: number | undefined): string => (vsize === undefined ? '' : `${(vsize / 1e6).toFixed(2)} MvB`);

export function makeMempool({ store }: Context): View {
  const flowHint = h('span');
  // What the node says by RPC; not there where it is not asked.
  const size = tile('In the mempool');
  const used = tile('Memory');
  const least = tile('Lowest fee rate let in');
  const orphans = tile('Orphans');
  const pool = tiles(size, used, least, orphans);
  const added = tile('Added');
  const fees = tile('Mean fee rate of what came');
  const mined = tile('Taken by blocks');
  const replaced = tile('Replaced');
  const rejected = tile('Rejected');
  const flow = new TimeChart({
    label: 'Mempool flow over the last hour',
    series: [
      { label: 'Added', color: '--f-tx' },
      { label: 'Removed', color: '--f-block', down: true },
      { label: 'Rejected', color: '--f-other', fill: false },
      { label: 'Replaced', color: '--f-addr', fill: false },
    ],
    format: (n) => perSecond(n, 'tx'),
    height: 220,
  });
  const removedBars = bars('Removed, by reason', ['Reason', 'Transactions']);
  const rejectedBars = bars('Rejected, by reason', ['Reason', 'Transactions']);
  const feerates = histogram('Fee rate of added transactions', plainNumber, 'sat/vB');
  const ages = histogram('Time in the mempool of what a block took', spanOf, '');
  const content = h(
    'div',
    null,
    pool,
    tiles(added, fees, mined, replaced, rejected),
    h(
      'div',
      { class: 'grid halves' },
      panel('Flow', { cls: 'wide', hint: flowHint }, flow.el),
      panel('Removed', { hint: 'By reason, since coretap looks' }, removedBars.el),
      panel('Rejected', { hint: 'By reason, since coretap looks' }, rejectedBars.el),
      panel('Fee rates', { hint: 'Of transactions that came in' }, feerates.el),
      panel('Waiting time', { hint: 'Of transactions that a block took' }, ages.el),
    ),
  );
  const place = new Place(content);
  const el = h('div', { class: 'view' }, h('div', { class: 'view-head' }, h('h1', null, 'Mempool')), place.el);
  const polling = poll<Mempool>(
    'mempool',
    () => ({ node: store.nodeParam() }),
    2000,
    (answer) => {
      place.ready();
      draw(answer);
    },
    (error) => place.failed(error, () => polling.now()),
  );
  function draw(pool: Mempool): void {
    const block = pool.removed?.block;
    const sum = (all: Record<string, number> | undefined): number => Object.values(all ?? {}).reduce((total, n) => total + n, 0);
    added.set(count(pool.added?.count, 'tx'), pool.added ? `${megabytes(pool.added.vsize)} · ${text(bitcoin(pool.added.fee))} in fees` : '');
    fees.set(pool.added?.vsize ? { value: (pool.added.fee / pool.added.vsize).toFixed(2), unit: 'sat/vB' } : { value: '–', unit: '' }, 'fees by size, of all added');
    mined.set(count(block?.count ?? 0, 'tx'), block ? `${megabytes(block.vsize)} · ${text(bitcoin(block.fee))} in fees` : 'none yet');
    replaced.set(count(pool.replaced?.count ?? 0, 'tx'), `${text(count(pool.replacements_by_package ?? 0))} by a package`);
    rejected.set(count(sum(pool.rejected), 'tx'), 'not let in');
    removedBars.set(
      Object.entries(pool.removed ?? {})
        .filter(([, n]) => n.count > 0)
        .sort((a, b) => b[1].count - a[1].count)
        .map(([reason, n]) => ({ label: safe(reason, 60), value: n.count, color: 'c--f-block', shown: count(n.count, 'tx'), title: `${megabytes(n.vsize)}, ${text(bitcoin(n.fee))} in fees` })),
      'Nothing was removed yet.',
    );
    rejectedBars.set(
      Object.entries(pool.rejected ?? {})
        .filter(([, n]) => n > 0)
        .sort((a, b) => b[1] - a[1])
        .slice(0, 14)
        .map(([reason, n]) => ({ label: safe(reason, 80), value: n, color: 'c--f-other', shown: count(n, 'tx'), title: safe(reason, 200) })),
      'Nothing was rejected yet.',
    );
    feerates.set(pool.added_feerate_sat_per_vb);
    ages.set(pool.block_removal_age_seconds);
  }
  function drawPool(): void {
    const said = store.rpc()?.mempool;
    show(pool, said != null);
    if (!said) return;
    const stray = store.rpc()?.orphans;
    size.set(count(said.size, 'tx'), `${megabytes(said.bytes)} · ${text(bitcoin(said.total_fee_sat))} in fees`);
    used.set(memory(said.usage_bytes), `${text(percent(said.usage_bytes, said.maxmempool_bytes))} of ${text(memory(said.maxmempool_bytes))}`);
    least.set(said.mempoolminfee_sat_per_kvb == null ? { value: '–', unit: '' } : { value: (said.mempoolminfee_sat_per_kvb / 1000).toFixed(2), unit: 'sat/vB' }, said.loaded === false ? 'still being loaded' : `${integer(said.unbroadcastcount)} not yet broadcast`);
    orphans.set(count(stray?.count, 'tx'), 'whose parents are not known');
  }
  drawPool();
  let asked = 0;
  return {
    title: 'Mempool',
    el,
    update() {
      drawPool();
      if (performance.now() - asked < 1900 || store.status.phase !== 'open') return;
      asked = performance.now();
      void store.loadHistory().then(() => {
        const steps = stepsOf(store.history, '1h');
        flow.set(
          steps.map(({ point }) => point.utc_ms),
          [rates(steps, (point) => point.mempool_added), rates(steps, (point) => point.mempool_removed), rates(steps, (point) => point.mempool_rejected), rates(steps, (point) => point.mempool_replaced)],
          store.historyNote(),
        );
        setText(flowHint, `Transactions a second${steps.length > 1 ? `, ${coveredBy(steps)}` : ''}`);
      });
    },
    destroy() {
      polling.stop();
      flow.destroy();
    },
  };
}
