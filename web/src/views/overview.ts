import type { HistoryPoint, Peer } from '../api';
import { TimeChart } from '../lib/charts';
import { h, setText, show, quantity, setQuantity } from '../lib/dom';
import { age, bothWays, byteRate, bytes, count, duration, integer, percent, perSecond, safe, shortHash, text, clock } from '../lib/format';
import { deliveredHow, phases, slowLimit, slowReason } from '../lib/journey';
import { timeline } from '../lib/timeline';
import { bars, empty, panel, segmented, tile, tiles } from '../lib/widgets';
import type { Context, View } from '../view';
import { sinceBlockTone } from '../lib/tone';

export const NETWORKS = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns', 'not_publicly_routable'];
export const networkName = (network: string | undefined): string =>
  ({ ipv4: 'IPv4', ipv6: 'IPv6', onion: 'Tor', i2p: 'I2P', cjdns: 'CJDNS', not_publicly_routable: 'Local', internal: 'Internal' })[network ?? ''] ?? (safe(network, 20) || 'Unknown');

type Range = '2m' | '1h' | '24h';

export function networkBars(peers: readonly Peer[]) {
  const rows = new Map<string, { in: number; out: number }>();
  for (const peer of peers) {
    const row = rows.get(peer.network ?? '') ?? { in: 0, out: 0 };
    row[peer.inbound ? 'in' : 'out']++;
    rows.set(peer.network ?? '', row);
  }
  const order = (network: string): number => (NETWORKS.includes(network) ? NETWORKS.indexOf(network) : NETWORKS.length);
  return [...rows]
    .sort((a, b) => order(a[0]) - order(b[0]))
    .map(([network, n]) => ({
      label: networkName(network),
      value: n.in,
      color: 'c--in',
      more: { value: n.out, color: 'c--out' },
      shown: { value: `${n.in} + ${n.out}`, unit: '' },
      title: `${networkName(network)}: ${n.in} inbound, ${n.out} outbound`,
    }));
}

export function makeOverview({ store }: Context): View {
  const height = tile('Height');
  const since = tile('Since last block');
  const peers = tile('Peers');
  const traffic = tile('Traffic now');
  const mempool = tile('Into the mempool');
  const losses = tile('Lost events');

  let range: Range = '1h';
  const chart = new TimeChart({
    label: 'Traffic',
    series: [
      { label: 'In', color: '--in' },
      { label: 'Out', color: '--out', down: true },
    ],
    format: byteRate,
    height: 220,
  });
  const flow = new TimeChart({
    label: 'Transactions into and out of the mempool',
    series: [
      { label: 'Added', color: '--f-tx' },
      { label: 'Removed', color: '--f-block', down: true },
      { label: 'Rejected', color: '--f-other', fill: false },
    ],
    format: (n) => perSecond(n, 'tx'),
    height: 220,
  });
  const networks = bars('Peers by network', ['Network', 'Peers']);
  const blockBody = h('div');
  const lossBody = h('div');
  const lossFacts = h('dl', { class: 'facts' });
  let before: { events: number; at: number } | undefined;
  let perSec: number | undefined;
  const findingsBody = h('ul', { class: 'findings' });
  const findings = panel('Findings', { cls: 'wide' }, findingsBody);
  const facts = h('dl', { class: 'facts inline' });

  const el = h(
    'div',
    { class: 'view overview' },
    h('div', { class: 'view-head' }, h('h1', null, 'Overview'), facts),
    tiles(height, since, peers, traffic, mempool, losses),
    h(
      'div',
      { class: 'grid overview-grid' },
      findings,
      panel('Traffic', { cls: 'two', hint: 'Payload of P2P messages, both ways', actions: segmented<Range>('Span', [['2m', '2 min'], ['1h', '1 h'], ['24h', '24 h']], range, (value) => ((range = value), draw())) }, chart.el),
      panel('Peers by network', { hint: 'Inbound + outbound' }, networks.el, h('p', { class: 'key' }, h('span', { class: 'swatch c--in' }), 'in', h('span', { class: 'swatch c--out' }), 'out')),
      panel('Mempool flow', { cls: 'two', hint: 'Transactions a second, over the same span' }, flow.el),
      panel('Losses', { hint: 'Events the tracer had to drop' }, lossBody, lossFacts),
      panel('Last block', { cls: 'wide', actions: h('a', { class: 'more', href: '#/blocks' }, 'All blocks') }, blockBody),
    ),
  );

  let asked = 0;
  let drawnBlock = '';
  let drawnLosses = '';
  function draw(): void {
    const points: HistoryPoint[] = range === '2m' ? store.history.seconds : range === '1h' ? store.history.minutes.slice(-60) : store.history.minutes;
    const span = range === '2m' ? 1 : 60;
    const times = points.map((point) => point.utc_ms);
    const note = store.historyNote(range === '2m');
    chart.set(times, [points.map((point) => (point.messages?.in?.bytes ?? 0) / span), points.map((point) => (point.messages?.out?.bytes ?? 0) / span)], note);
    flow.set(times, [points.map((point) => (point.mempool_added ?? 0) / span), points.map((point) => (point.mempool_removed ?? 0) / span), points.map((point) => (point.mempool_rejected ?? 0) / span)], note);
  }
  function drawBlock(): void {
    const blocks = store.blocks();
    const last = blocks[0];
    const width = Math.max(260, blockBody.clientWidth);
    const key = `${last?.hash} ${width} ${last?.connected_utc_ms} ${last?.announcements?.length}`;
    if (key === drawnBlock && blockBody.firstChild) return;
    drawnBlock = key;
    if (!last) return blockBody.replaceChildren(empty('No block seen yet', 'The next block shows here with its way through the node.', 'blocks'));
    const p = phases(last);
    const slow = slowReason(last, slowLimit(blocks));
    const via = last.announcements?.[0];
    blockBody.replaceChildren(
      h(
        'div',
        { class: 'last-block' },
        h('a', { class: 'last-height', href: `#/blocks/${last.hash}` }, integer(last.height)),
        h('code', { class: 'hash', title: last.hash }, shortHash(last.hash)),
        h('span', null, quantity(count(last.transactions, 'tx'))),
        h('span', null, 'first announced by ', via ? (last.earlier_run ? `peer ${via.peer_id} of then` : h('a', { href: `#/peers/${via.peer_id}` }, `peer ${via.peer_id}`)) : 'nobody', via ? ` (${via.via})` : ''),
        h('span', null, deliveredHow(last)),
        h('span', null, 'connected after ', quantity(duration(p.total === undefined ? undefined : p.total * 1e6))),
        slow ? h('span', { class: 'tag warn' }, slow) : null,
      ),
      timeline(last, { width, maxMs: Math.max(p.total ?? 0, p.relayed ?? 0, 100) * 1.15, scale: 'linear', axis: true }),
    );
  }
  function drawLosses(): void {
    const all = store.snapshot?.losses;
    const key = JSON.stringify(all?.tracepoints ?? {}).replace(/"(fired|delivered)":\d+/g, '') + String(all?.total);
    if (key === drawnLosses) return;
    drawnLosses = key;
    if (!all?.total)
      return lossBody.replaceChildren(h('p', { class: 'calm' }, all ? 'Nothing was lost. What you see is everything that fired.' : 'Not known.'));
    const rows = Object.entries(all.tracepoints ?? {}).flatMap(([name, row]) => Object.entries(row.lost ?? {}).filter(([, n]) => n > 0).map(([reason, n]) => ({ name, reason, n })));
    lossBody.replaceChildren(
      h('p', { class: 'loss' }, quantity(count(all.total, 'events')), ' are missing from what you see.'),
      h('table', { class: 'plain' }, h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Tracepoint'), h('th', { scope: 'col' }, 'Reason'), h('th', { scope: 'col', class: 'num' }, 'Events'))),
        h('tbody', null, ...rows.map((row) => h('tr', null, h('td', null, safe(row.name, 60)), h('td', null, safe(row.reason, 40)), h('td', { class: 'num' }, integer(row.n)))))),
    );
  }
  function drawFindings(): void {
    const label = store.current()?.label;
    const list = (store.snapshot?.findings ?? []).filter((finding) => !finding.node || finding.node === label);
    show(findings, list.length > 0);
    const words = list.map((finding) => `${finding.severity}|${finding.title}|${finding.detail}|${finding.since_utc_ms}`).join('\n');
    if (findingsBody.dataset.words === words) return;
    findingsBody.dataset.words = words;
    findingsBody.replaceChildren(
      ...list.map((finding) =>
        h('li', { 'data-tone': finding.severity === 'bad' ? 'bad' : finding.severity === 'info' ? '' : 'warn' },
          h('strong', null, safe(finding.title, 120)), ' ', h('span', null, safe(finding.detail, 300)), finding.since_utc_ms ? h('span', { class: 'muted' }, ` since ${clock(finding.since_utc_ms)}`) : null),
      ),
    );
  }

  return {
    title: 'Overview',
    el,
    update() {
      const node = store.current();
      if (!node) return;
      const now = store.now();
      const rate = store.traffic();
      const totals = store.snapshot?.losses?.total;
      const tip = node.chain_totals?.tip_utc_ms;
      const elapsed = tip ? (now - tip) / 1000 : undefined;
      const last = store.history.seconds.slice(-60);
      const added = last.length ? last.reduce((sum, point) => sum + (point.mempool_added ?? 0), 0) / last.length : undefined;
      const rejected = last.reduce((sum, point) => sum + (point.mempool_rejected ?? 0), 0);
      height.set(count(node.height), node.chain === 'main' ? 'mainnet' : safe(node.chain, 20));
      since.set({ value: age(elapsed), unit: '' }, tip ? `connected at ${clock(tip, now)}` : 'none seen yet', sinceBlockTone(elapsed));
      const total = (node.peers_in ?? 0) + (node.peers_out ?? 0);
      peers.set(count(total), `${integer(node.peers_in)} in · ${integer(node.peers_out)} out`, total === 0 ? 'warn' : '');
      traffic.set(byteRate(rate ? rate.in + rate.out : undefined), rate ? bothWays(byteRate(rate.in), byteRate(rate.out)) : 'a moment…');
      mempool.set(perSecond(added, 'tx'), last.length ? `${text(count(rejected))} rejected a minute` : 'a moment…');
      losses.set(count(totals), totals === undefined ? 'not known' : totals === 0 ? `none of ${text(count(store.snapshot?.events))}` : `of ${text(count(store.snapshot?.events))}`, totals ? 'bad' : '');
      networks.set(networkBars(store.peers()), 'No peers.');
      const uptime = node.started_at_s ? age(now / 1000 - node.started_at_s) : '–';
      setFacts(facts, [
        ['Process', node.pid ? `pid ${node.pid}` : '–'],
        ['Up', node.running === false ? 'stopped' : uptime],
        ['Executable', safe(node.executable, 120) || '–'],
        ['Data', safe(node.datadir, 120) || '–'],
        ...(node.starts && node.starts > 1 ? [['Restarts seen', String(node.starts - 1)] as [string, string]] : []),
      ]);
      const snapshot = store.snapshot!;
      const events = snapshot.events ?? 0;
      if (!before || snapshot.utc_ms - before.at > 900) {
        perSec = before && snapshot.utc_ms > before.at ? Math.max(0, ((events - before.events) * 1000) / (snapshot.utc_ms - before.at)) : undefined;
        before = { events, at: snapshot.utc_ms };
      }
      setFacts(lossFacts, [
        ['Events seen', count(snapshot.events)],
        ['Now', perSecond(perSec, 'events')],
        ['Lost', percent(totals, totals === undefined ? undefined : totals + events)],
      ]);
      drawBlock();
      drawLosses();
      drawFindings();
      if (performance.now() - asked > 1900 && store.status.phase === 'open') {
        asked = performance.now();
        void store.loadHistory().then(draw);
      }
    },
    destroy() {
      chart.destroy();
      flow.destroy();
    },
  };
}

/** A list of names and values whose nodes are kept. */
export function setFacts(list: HTMLElement, facts: [string, string | ReturnType<typeof bytes>][]): void {
  facts.forEach(([name, value], i) => {
    let row = list.children[i] as HTMLElement | undefined;
    if (!row) {
      row = h('div', null, h('dt'), h('dd', { class: 'q' }));
      list.append(row);
    }
    setText(row.firstElementChild!, name);
    const dd = row.lastElementChild as HTMLElement;
    const q = typeof value === 'string' ? { value, unit: '' } : value;
    setQuantity(dd, q);
    dd.title = text(q);
  });
  while (list.children.length > facts.length) list.lastElementChild!.remove();
}
