import type { BlockTotals, Journey } from '../api';
import { h, icon, quantity, setText, show } from '../lib/dom';
import { ageShort, bytes, clock, count, duration, integer, median, percent, shortHash, text, type Quantity } from '../lib/format';
import { deliveredHow, phases, slowLimit, slowReason, viaName } from '../lib/journey';
import { timeline } from '../lib/timeline';
import { bars, empty, histogram, panel, Place, poll, segmented, tile, tiles, type Tile } from '../lib/widgets';
import type { Context, View } from '../view';
import { plainNumber, spanOf } from './mempool';

/** Journeys shown at first: a screen of them. */
const FIRST = 15;
type Scale = 'log' | 'linear';
const ms = (value: number | undefined) => duration(value === undefined ? undefined : value * 1e6);

export function makeBlocks({ store, go }: Context, rest: string[]): View {
  let open = rest[0] ?? '';
  let scale: Scale = 'log';
  let journeys: Journey[] = [];
  let all = false;
  const more = h('button', { class: 'button small below', type: 'button', onclick: () => ((all = true), draw()) });
  const list = h('div', { class: 'journeys' });
  const medianTotal = tile('First sign to connected');
  const medianGet = tile('First sign to delivered');
  const medianCheck = tile('Validation');
  const compact = tile('Compact, nothing missing');
  const slowest = tile('Slowest');
  const came = bars('How blocks came', ['How', 'Blocks']);
  const announced = bars('How blocks were first announced', ['By', 'Blocks']);
  const missing = histogram('Transactions missing of a compact block', plainNumber, 'tx');
  const delivery = histogram('Time from announcement to delivery', spanOf, '');
  const logNote = h('p', { class: 'hint below' });
  const key = h('p', { class: 'key' }, h('span', { class: 'swatch c--tl-wait' }), 'waiting', h('span', { class: 'swatch c--tl-get' }), 'transfer', h('span', { class: 'swatch c--tl-check' }), 'validation', h('span', { class: 'tri' }), 'first relay', h('span', { class: 'tickmark' }), 'announcement');
  const content = h(
    'div',
    null,
    tiles(medianTotal, medianGet, medianCheck, compact, slowest),
    panel('Journeys', { hint: 'From the first sign of a block to our validation of it', actions: segmented<Scale>('Scale of time', [['log', 'Log'], ['linear', 'Linear']], scale, (value) => ((scale = value), draw())) }, key, list, more),
    h(
      'div',
      { class: 'grid halves below' },
      panel('How they came', { hint: 'Since coretap looks' }, came.el, logNote),
      panel('First announced by', { hint: 'The first sign from a peer' }, announced.el),
      panel('Transactions missing', { hint: 'Of compact blocks: what had to be asked for' }, missing.el),
      panel('Announced to delivered', { hint: 'First announcement to the whole block' }, delivery.el),
    ),
  );
  const place = new Place(content);
  const el = h('div', { class: 'view' }, h('div', { class: 'view-head' }, h('h1', null, 'Blocks')), place.el);

  let drawn = '';
  function draw(): void {
    const width = list.clientWidth;
    const now = store.now();
    const limit = slowLimit(journeys);
    if (journeys.findIndex((journey) => journey.hash === open) >= FIRST) all = true;
    const shown = all ? journeys : journeys.slice(0, FIRST);
    show(more, shown.length < journeys.length);
    setText(more, `Show ${journeys.length - shown.length} more`);
    const key = [width, scale, open, all, ...journeys.map((journey) => `${journey.hash}${journey.connected_utc_ms}${journey.relayed_peers}${journey.announcements_total}`)].join();
    if (key === drawn) return refreshAges(now);
    drawn = key;
    const totals = journeys.map((journey) => phases(journey).total ?? 0);
    // One axis for all, so that lengths compare; a lone snail does not squeeze the rest on the linear one.
    const sorted = [...totals].sort((a, b) => a - b);
    const longest = sorted.at(-1) ?? 0;
    const maxMs = Math.max(100, scale === 'log' ? longest : Math.min(longest, 3 * (sorted[Math.floor(sorted.length * 0.85)] ?? longest))) * 1.1;
    const focused = document.activeElement?.getAttribute('data-hash');
    list.replaceChildren(
      ...(journeys.length === 0 ? [empty('No block seen yet', 'Blocks come every ten minutes on average. The next one shows here with its whole way.', 'blocks')] : []),
      ...shown.map((journey, i) => row(journey, { maxMs, limit, now, axis: i === 0, width })),
    );
    if (focused) list.querySelector<HTMLElement>(`[data-hash="${focused}"]`)?.focus();
    summary(limit);
  }
  function refreshAges(now: number): void {
    for (const cell of list.querySelectorAll<HTMLElement>('[data-at]')) cell.textContent = `${text(ageShort((now - Number(cell.dataset.at)) / 1000))} ago`;
  }
  function summary(limit: number): void {
    const all = journeys.map(phases);
    const put = (where: Tile, values: (number | null | undefined)[], show: (value: number | undefined) => Quantity): void => {
      const known = values.filter((value) => value != null);
      where.set(show(median(known)), known.length === 0 ? 'none yet' : `median of ${text(count(known.length, known.length === 1 ? 'block' : 'blocks'))}`);
    };
    const delivered = journeys.filter((journey) => journey.delivered_utc_ms != null);
    const full = delivered.filter((journey) => journey.delivered_via === 'cmpctblock' && journey.compact?.some((one) => one.requested === 0));
    const slow = journeys.filter((journey) => slowReason(journey, limit)).length;
    put(medianTotal, all.map((p) => p.total), ms);
    put(medianGet, all.map((p) => p.delivered), ms);
    put(medianCheck, journeys.map((journey) => journey.connect_ns), duration);
    compact.set(percent(full.length, delivered.length), `${full.length} of ${delivered.length} blocks`);
    slowest.set(ms(all.length ? Math.max(...all.map((p) => p.total ?? 0)) : undefined), slow ? `${slow} slow: over ${text(ms(limit))}` : 'none was slow', slow ? 'warn' : '');
  }
  function row(journey: Journey, o: { maxMs: number; limit: number; now: number; axis: boolean; width: number }): HTMLElement {
    const slow = slowReason(journey, o.limit);
    const expanded = open === journey.hash;
    const p = phases(journey);
    const narrow = o.width < 720;
    const body = h('div', { class: 'journey-line' }, timeline(journey, { width: narrow ? o.width - 24 : o.width - 400, maxMs: o.maxMs, scale, axis: o.axis }));
    const button = h(
      'button',
      { class: 'journey-head', type: 'button', 'aria-expanded': String(expanded), 'data-hash': journey.hash, onclick: () => go(expanded ? '#/blocks' : `#/blocks/${journey.hash}`) },
      icon('chevron', 'turn'),
      h('span', { class: 'journey-height' }, journey.height == null ? 'unknown height' : integer(journey.height)),
      h('span', { class: 'muted journey-age', 'data-at': journey.first_utc_ms }, `${text(ageShort((o.now - journey.first_utc_ms) / 1000))} ago`),
    );
    const end = h(
      'div',
      { class: 'journey-end' },
      quantity(ms(p.total), slow ? 'slow' : ''),
      h('span', { class: 'muted journey-how' }, deliveredHow(journey)),
      slow ? h('span', { class: 'tag warn' }, slow) : null,
      journey.gap ? h('span', { class: 'tag', title: 'Events were lost meanwhile: the journey may lack something.' }, 'incomplete') : null,
    );
    return h('article', { class: `journey${slow ? ' is-slow' : ''}${expanded ? ' is-open' : ''}`, 'aria-label': `Block ${journey.height ?? shortHash(journey.hash)}` }, h('div', { class: 'journey-row' }, button, body, end), expanded ? details(journey) : null);
  }

  const place0 = place;
  function drawTotals(totals: BlockTotals): void {
    const bar = (label: string, value: number | undefined, color: string) => ({ label, value: value ?? 0, color });
    const ways = [bar('compact, nothing missing', totals.delivered_compact_full, 'c--in'), bar('compact, some asked for', totals.delivered_compact_partial, 'c--f-inv'), bar('whole block', totals.delivered_block, 'c--f-block')];
    came.set(ways.some((way) => way.value > 0) ? ways : [], 'No block was announced and connected yet.');
    const via = Object.entries(totals.first_announced_via ?? {});
    announced.set(via.some(([, n]) => n > 0) ? via.map(([name, n]) => bar(viaName[name] ?? name, n, 'c--in')) : [], 'No block was announced and connected yet.');
    missing.set(totals.missing_transactions);
    delivery.set(totals.announce_to_deliver_seconds);
    const said = store.snapshot?.log?.nodes?.[store.node ?? '']?.reconstructions;
    show(logNote, (said?.count ?? 0) > 0);
    if (said?.count)
      setText(logNote, `debug.log: ${text(count(said.count, 'blocks'))} put together, ${text(percent(said.complete, said.count))} of them without asking; ${text(count(said.from_mempool, 'tx'))} from the mempool, ${text(count(said.prefilled, 'tx'))} prefilled, ${text(count(said.from_extra_pool, 'tx'))} from the extra pool, ${text(count(said.requested, 'tx'))} asked for`);
  }
  const polling = poll<{ blocks?: Journey[]; totals?: BlockTotals }>(
    'blocks',
    () => ({ node: store.nodeParam(), limit: '48' }),
    3000,
    (answer) => {
      journeys = answer.blocks ?? [];
      place0.ready();
      drawTotals(answer.totals ?? {});
      draw();
    },
    (error) => place0.failed(error, () => polling.now()),
  );
  const observer = new ResizeObserver(() => journeys.length && draw());
  observer.observe(list);
  return {
    title: 'Blocks',
    el,
    update() {
      // A new block: do not wait for the next poll.
      const newest = store.blocks()[0];
      if (newest && journeys[0] && newest.hash !== journeys[0].hash) polling.now();
      refreshAges(store.now());
    },
    route(next) {
      open = next[0] ?? '';
      draw();
      list.querySelector<HTMLElement>(`[data-hash="${CSS.escape(open)}"]`)?.scrollIntoView({ block: 'nearest' });
      return true;
    },
    key(event) {
      if (event.key === 'Escape' && open) return go('#/blocks'), true;
      if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return false;
      const heads = [...list.querySelectorAll<HTMLElement>('.journey-head')];
      const at = heads.indexOf(document.activeElement as HTMLElement);
      heads[Math.min(heads.length - 1, Math.max(0, at + (event.key === 'ArrowDown' ? 1 : -1)))]?.focus();
      return true;
    },
    destroy() {
      polling.stop();
      observer.disconnect();
    },
  };
}

interface Step {
  at: number;
  peer?: number;
  what: string;
  more: string;
}
/** Everything that was seen of it, by time. */
export function steps(journey: Journey): Step[] {
  const out: Step[] = [];
  journey.announcements?.forEach((said, i) => out.push({ at: said.utc_ms, peer: said.peer_id, what: i === 0 ? 'first announced' : 'announced', more: `by ${viaName[said.via] ?? said.via}` }));
  for (const asked of journey.requests ?? []) out.push({ at: asked.utc_ms, peer: asked.peer_id, what: 'requested', more: viaName[asked.via] ?? asked.via });
  for (const one of journey.compact ?? []) {
    const sizes = `${integer(one.short_ids)} short ids, ${integer(one.prefilled)} prefilled, ${text(bytes(one.bytes))}`;
    const missing = one.requested == null ? '' : one.requested === 0 ? ', nothing missing' : `, ${integer(one.requested)} tx missing`;
    out.push({ at: one.utc_ms, peer: one.peer_id, what: 'compact block', more: sizes + missing + (one.failed ? ', reconstruction failed' : '') });
    if (one.blocktxn_utc_ms != null) out.push({ at: one.blocktxn_utc_ms, peer: one.peer_id, what: 'missing tx came', more: text(bytes(one.received_bytes)) });
  }
  if (journey.delivered_utc_ms != null) out.push({ at: journey.delivered_utc_ms, peer: journey.delivered_peer ?? undefined, what: 'delivered', more: `${deliveredHow(journey)}, ${text(bytes(journey.delivered_bytes))}` });
  if (journey.connected_utc_ms != null) out.push({ at: journey.connected_utc_ms, what: 'connected', more: `validated in ${text(duration(journey.connect_ns))}` });
  if (journey.first_relay_utc_ms != null) out.push({ at: journey.first_relay_utc_ms, what: 'first relayed', more: `to ${integer(journey.relayed_peers)} peers in all` });
  return out.sort((a, b) => a.at - b.at);
}
function details(journey: Journey): HTMLElement {
  const seen = steps(journey);
  return h(
    'div',
    { class: 'journey-details' },
    h('p', { class: 'hash-line' }, h('code', { class: 'hash' }, journey.hash)),
    h('p', { class: 'muted' }, `First sign at ${clock(journey.first_utc_ms, undefined, true)} · ${text(count(journey.transactions, 'transactions'))} · ${text(count(journey.inputs, 'inputs'))} · signature cost ${text(count(journey.sigops))} · announced by ${integer(journey.announcements_total)} peers${(journey.announcements_total ?? 0) > (journey.announcements?.length ?? 0) ? ` (the first ${journey.announcements?.length} are listed)` : ''}`),
    h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Steps of this block' },
      h(
        'table',
        { class: 'plain' },
        h('thead', null, h('tr', null, h('th', { scope: 'col', class: 'num' }, 'After'), h('th', { scope: 'col' }, 'What'), h('th', { scope: 'col' }, 'Peer'), h('th', { scope: 'col' }, 'Details'))),
        h(
          'tbody',
          null,
          ...seen.map((step) => h('tr', { class: step.what === 'announced' ? 'muted' : '' }, h('td', { class: 'num' }, quantity(ms(step.at - journey.first_utc_ms))), h('td', null, step.what), h('td', null, step.peer === undefined ? 'us' : journey.earlier_run ? `peer ${step.peer} of then` : h('a', { href: `#/peers/${step.peer}` }, `peer ${step.peer}`)), h('td', null, step.more))),
        ),
      ),
    ),
  );
}
