// At a glance: is the node well, who is talking to it, what is happening now.
import type { HistoryPoint, Peer, TapEvent } from '../api';
import { TimeChart } from '../lib/charts';
import { h, quantity, setQuantity, setText, show } from '../lib/dom';
import { age, bothWays, byteRate, bytes, clock, count, duration, integer, percent, perSecond, safe, shortAddress, shortHash, text, type Quantity } from '../lib/format';
import { fromSnapshot, HAPPENINGS, toHappening, type Happening } from '../lib/happening';
import { health } from '../lib/health';
import { coveredBy, RANGES, rates, stepsOf, totalOf, type Range } from '../lib/history';
import { deliveredHow, phases, slowLimit, slowReason } from '../lib/journey';
import { lossWords } from '../lib/reasons';
import { timeline } from '../lib/timeline';
import { sinceBlockTone } from '../lib/tone';
import { bars, empty, panel, segmented, tile, tiles } from '../lib/widgets';
import type { Batch, Context, View } from '../view';

export const NETWORKS = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns', 'not_publicly_routable'];
export const networkName = (network: string | undefined): string =>
  ({ ipv4: 'IPv4', ipv6: 'IPv6', onion: 'Tor', i2p: 'I2P', cjdns: 'CJDNS', not_publicly_routable: 'Local', internal: 'Internal', torv2: 'Tor v2', unknown: 'Unknown' })[network ?? ''] ?? (safe(network, 20) || 'Unknown');

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

/** Lines of what happens now: as many as stand beside the chart. */
const FEED = 9;

export function makeOverview({ store }: Context): View {
  const height = tile('Height');
  const since = tile('Since last block');
  const peers = tile('Peers');
  const traffic = tile('Traffic now');
  const mempool = tile('Into the mempool');
  const losses = tile('Lost events');

  const healthTitle = h('strong');
  const healthWords = h('span');
  const healthLine = h('p', { class: 'health', role: 'status', 'data-tone': '' }, h('span', { class: 'health-dot', 'aria-hidden': 'true' }), healthTitle, healthWords);

  let range: Range = '1h';
  const trafficHint = h('span');
  const flowHint = h('span');
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
  const busiest = bars('Busiest peers', ['Peer', 'Traffic']);
  const feed = h('ol', { class: 'feed' });
  const feedNone = h('p', { class: 'none' }, 'Who comes and goes shows here, and each block.');
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
    healthLine,
    tiles(height, since, peers, traffic, mempool, losses),
    h(
      'div',
      { class: 'grid overview-grid' },
      findings,
      panel('Traffic', { cls: 'two', hint: trafficHint, actions: segmented<Range>('Span', RANGES, range, (value) => ((range = value), draw())) }, chart.el),
      panel('Peers by network', { hint: 'Inbound + outbound' }, networks.el, h('p', { class: 'key' }, h('span', { class: 'swatch c--in' }), 'in', h('span', { class: 'swatch c--out' }), 'out')),
      panel('Mempool flow', { cls: 'two', hint: flowHint }, flow.el),
      panel('Happening now', { cls: 'feed-panel' }, feed, feedNone),
      panel('Last block', { cls: 'wide', actions: h('a', { class: 'more', href: '#/blocks' }, 'All blocks') }, blockBody),
      panel('Busiest peers', { hint: 'In + out, last seconds', actions: h('a', { class: 'more', href: '#/peers' }, 'All peers') }, busiest.el),
      panel('Tracing', { cls: 'two', hint: 'What coretap saw, and what it had to drop' }, lossBody, lossFacts),
    ),
  );

  let asked = 0;
  let drawnBlock = '';
  let drawnLosses = '';
  function draw(): void {
    const steps = stepsOf(store.history, range);
    const times = steps.map(({ point }) => point.utc_ms);
    const note = store.historyNote();
    const [bytesIn, bytesOut] = [(point: HistoryPoint) => point.messages?.in?.bytes, (point: HistoryPoint) => point.messages?.out?.bytes];
    chart.set(times, [rates(steps, bytesIn), rates(steps, bytesOut)], note);
    flow.set(times, [rates(steps, (point) => point.mempool_added), rates(steps, (point) => point.mempool_removed), rates(steps, (point) => point.mempool_rejected)], note);
    const covered = coveredBy(steps);
    setText(trafficHint, covered ? `${text(bytes(totalOf(steps, bytesIn)))} in, ${text(bytes(totalOf(steps, bytesOut)))} out, ${covered}` : 'Payload of P2P messages, both ways');
    setText(flowHint, covered ? `${text(count(totalOf(steps, (point) => point.mempool_added), 'tx'))} added, ${covered}` : 'Transactions a second');
  }

  // Until events come, what the snapshot knows of the time before.
  let happened: Happening[] = [];
  let lastSeq = 0;
  let seeded = false;
  function drawFeed(): void {
    show(feedNone, happened.length === 0);
    const rows = new Map([...feed.children].map((row) => [(row as HTMLElement).dataset.seq, row]));
    feed.replaceChildren(
      ...happened.map(
        (one) =>
          rows.get(String(one.seq || one.words)) ??
          h(
            'li',
            { 'data-seq': one.seq || one.words, 'data-kind': one.kind },
            h('span', { class: 'feed-time' }, clock(one.utcMs, one.utcMs)),
            h('span', { class: 'feed-mark', 'aria-hidden': 'true' }),
            h('span', { class: 'feed-words', title: `${one.link?.words ?? ''} ${one.words}`.trim() }, one.link ? h('a', { href: one.link.hash }, one.link.words) : null, one.link ? ' ' : null, one.words),
          ),
      ),
    );
  }
  function hear(event: TapEvent): void {
    if (event.seq <= lastSeq) return;
    lastSeq = event.seq;
    const one = toHappening(event);
    if (!one) return;
    happened = [one, ...happened.filter((old) => old.seq > 0 || old.kind !== one.kind || old.link?.hash !== one.link?.hash)].slice(0, FEED);
  }
  function drawBlock(): void {
    const blocks = store.blocks();
    // One that was only announced is not the last yet.
    const last = blocks.find((block) => block.connected_utc_ms != null) ?? blocks[0];
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
    const rows = Object.entries(all.tracepoints ?? {}).flatMap(([name, row]) => Object.entries(row.lost ?? {}).filter(([, n]) => n > 0).map(([reason, n]) => ({ name, reason, n, fired: row.fired })));
    rows.sort((a, b) => b.n - a.n);
    const th = (words: string, number = false): HTMLElement => h('th', { scope: 'col', class: number ? 'num' : '' }, words);
    lossBody.replaceChildren(
      h('p', { class: 'loss' }, quantity(count(all.total, 'events')), ' are missing from what you see. Counts of messages are the kernel’s own and whole.'),
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Losses by tracepoint and reason' },
        h(
          'table',
          { class: 'plain' },
          h('thead', null, h('tr', null, th('Tracepoint'), th('Why'), th('Events', true), th('Of it', true))),
          h('tbody', null, ...rows.map((row) => h('tr', null, h('td', null, safe(row.name, 60)), h('td', null, safe(row.reason, 40), h('span', { class: 'muted' }, lossWords(row.reason) && ` · ${lossWords(row.reason)}`)), h('td', { class: 'num' }, integer(row.n)), h('td', { class: 'num' }, quantity(percent(row.n, row.fired)))))),
        ),
      ),
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
    subscription: { filter: { only: HAPPENINGS }, decode: 'off', max_events_per_s: 50, look_back: true },
    gap(seq) {
      if (seq >= lastSeq) return;
      lastSeq = 0; // another life of the daemon: it counts anew
      happened = [];
      drawFeed();
    },
    events({ events }: Batch) {
      events.forEach(hear);
      drawFeed();
    },
    update() {
      const node = store.current();
      if (!node) return;
      const now = store.now();
      const rate = store.traffic();
      const totals = store.snapshot?.losses?.total;
      const tip = node.chain_totals?.tip_utc_ms;
      const elapsed = tip ? (now - tip) / 1000 : undefined;
      const state = health(store.snapshot!, node, now, totalOf(stepsOf(store.history, '2m'), (point) => point.lost));
      healthLine.dataset.tone = state.tone;
      setText(healthTitle, state.title);
      setText(healthWords, state.words);
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
        ...(node.starts && node.starts > 1 ? [['Restarts seen', String(node.starts - 1)] as Fact] : []),
      ]);
      const snapshot = store.snapshot!;
      const shed = Object.values(snapshot.losses?.tracepoints ?? {}).reduce((sum, row) => sum + (row.payload_shed ?? 0), 0);
      const events = snapshot.events ?? 0;
      if (!before || snapshot.utc_ms - before.at > 900) {
        perSec = before && snapshot.utc_ms > before.at ? Math.max(0, ((events - before.events) * 1000) / (snapshot.utc_ms - before.at)) : undefined;
        before = { events, at: snapshot.utc_ms };
      }
      setFacts(lossFacts, [
        ['Events seen', count(snapshot.events)],
        ['Now', perSecond(perSec, 'events')],
        ['Lost', percent(totals, totals === undefined ? undefined : totals + events)],
        ...(snapshot.self?.ring?.bytes ? [['Ring, fullest', percent(snapshot.self.ring.high_water_bytes, snapshot.self.ring.bytes)] as Fact] : []),
        ...(shed > 0 ? [['Payloads left out', count(shed)] as Fact] : []),
      ]);
      busiest.set(
        store
          .peers()
          .map((peer) => ({ peer, rate: store.rates.of(peer.id) ?? { in: 0, out: 0 } }))
          .sort((a, b) => b.rate.in + b.rate.out - a.rate.in - a.rate.out)
          .slice(0, 6)
          .map(({ peer, rate }) => ({ label: shortAddress(safe(peer.address, 300)), href: `#/peers/${peer.id}`, value: rate.in, color: 'c--in', more: { value: rate.out, color: 'c--out' }, shown: byteRate(rate.in + rate.out), title: `Peer ${peer.id} · ${safe(peer.version?.user_agent) || 'no user agent'} · ${bothWays(byteRate(rate.in), byteRate(rate.out))}` })),
        'Nobody speaks.',
      );
      if (!seeded) {
        seeded = true;
        if (happened.length === 0) happened = fromSnapshot(store.peers(), store.blocks(), FEED);
        drawFeed();
      }
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

export type Fact = [string, string | Quantity];
/** A list of names and values whose nodes are kept. */
export function setFacts(list: HTMLElement, facts: Fact[]): void {
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
