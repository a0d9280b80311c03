import type { Count, Messages } from '../api';
import { TimeChart } from '../lib/charts';
import { h, setAttr, setQuantity, setText } from '../lib/dom';
import { FAMILIES, familyOf } from '../lib/families';
import { coveredBy, RANGES, rates, stepsOf, type Range } from '../lib/history';
import { bytes, count, duration, integer, perSecond, safe, type Quantity } from '../lib/format';
import { bars, histogram, panel, Place, poll, segmented, tile, tiles } from '../lib/widgets';
import type { Context, View } from '../view';
import { plainNumber } from './mempool';

/** The daemon's kinds (HistoryKind) in the page's families. */
const FAMILY_OF_KIND: Record<string, number> = { inventory: 0, transactions: 1, blocks: 2, headers: 2, filters: 2, addresses: 3, pings: 4, other: 5 };

interface Total {
  type: string;
  in: Count;
  out: Count;
}
/** Sums over types of connection. */
export function totals(messages: Messages): Total[] {
  const all = new Map<string, Total>();
  for (const dir of ['in', 'out'] as const)
    for (const types of Object.values(messages.messages?.[dir] ?? {}))
      for (const [type, n] of Object.entries(types)) {
        const row = all.get(type) ?? { type, in: { count: 0, bytes: 0 }, out: { count: 0, bytes: 0 } };
        row[dir].count += n.count;
        row[dir].bytes += n.bytes;
        all.set(type, row);
      }
  return [...all.values()];
}

/** What the bound of a message's time rests on (docs/state.md). */
function timeWords(time: NonNullable<Messages['message_times']>[string]): string {
  const parts = [`Node time: bound from ${integer(time.count)} messages`];
  if (time.ended_in_wait) parts.push(`of ${integer(time.ended_in_wait)} it ended before the thread waited, so more is possible`);
  if (time.idle) parts.push(`${integer(time.idle)} more left out: nothing fired before the thread waited`);
  return parts.join('; ');
}

export function makeMessages({ store }: Context): View {
  let range: Range = '1h';
  const chart = new TimeChart({ label: 'Messages from peers by family', series: FAMILIES.map((family) => ({ label: family.name, color: `--f-${family.id}` })), format: (n) => perSecond(n), height: 260, stacked: true });
  const chartHint = h('span');
  const inTile = tile('From peers');
  const outTile = tile('To peers');
  const sizeTile = tile('Mean size');
  const busyTile = tile('Most of the node’s time');
  const body = h('tbody');
  const th = (words: string, title: string, number = true): HTMLElement => h('th', { scope: 'col', class: number ? 'num' : '', title }, words);
  const table = h('table', { class: 'plain' }, h('thead', null, h('tr', null, th('Type', 'Message type', false), th('In', 'Messages from peers'), th('Out', 'Messages to peers'), th('In now', 'Messages a second from peers'), th('Out now', 'Messages a second to peers'), th('Bytes in', 'Payload'), th('Bytes out', 'Payload'), th('Mean size', 'Of a message, both ways'), th('Node time ≤', 'Upper bound of the mean time that the message-handler thread spent on one'), th('Worst ≤', 'Upper bound of the longest'))), body);
  const inventory = bars('Entries of inventories by type', ['Type', 'Entries']);
  const filters = histogram('Fee filters of peers', plainNumber, 'sat/vB');
  const odd = h('div');
  const content = h(
    'div',
    null,
    tiles(inTile, outTile, sizeTile, busyTile),
    panel('Over time', { hint: chartHint, actions: segmented<Range>('Span', RANGES, range, (value) => ((range = value), drawChart())) }, chart.el),
    panel('By type', { hint: 'Since coretap looks. Node time is an upper bound: it includes whatever the thread did, and its wait, until the next message' }, h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Messages by type' }, table)),
    h(
      'div',
      { class: 'grid halves' },
      panel('Announced in inventories', { hint: 'Entries of inv, in + out' }, inventory.el, h('p', { class: 'key' }, h('span', { class: 'swatch c--in' }), 'in', h('span', { class: 'swatch c--out' }), 'out')),
      panel('Fee filters', { hint: 'What peers want at least, as they said it' }, filters.el),
      panel('Odd messages', { cls: 'wide', hint: 'What could not be read in whole, or exceeds a limit; and BIP 61 rejects' }, odd),
    ),
  );
  const place = new Place(content);
  const el = h('div', { class: 'view stack' }, h('div', { class: 'view-head' }, h('h1', null, 'Messages')), place.el);
  let before: { rows: Map<string, Total>; at: number } | undefined;
  const polling = poll<Messages>(
    'messages',
    () => ({ node: store.nodeParam() }),
    2000,
    (messages) => {
      place.ready();
      draw(messages);
    },
    (error) => place.failed(error, () => polling.now()),
  );
  function draw(messages: Messages): void {
    const now = performance.now();
    const rows = totals(messages).sort((a, b) => b.in.count + b.out.count - a.in.count - a.out.count || (a.type < b.type ? -1 : 1));
    const seconds = before ? (now - before.at) / 1000 : 0;
    const rate = (n: number, old: number | undefined): Quantity => (seconds > 0 && old !== undefined ? perSecond(Math.max(0, n - old) / seconds) : { value: '–', unit: '' });
    body.querySelector('tr.none')?.remove();
    rows.forEach((row, i) => {
      let tr = body.children[i] as HTMLTableRowElement | undefined;
      if (!tr) {
        tr = h('tr', null, h('th', { scope: 'row' }, h('span', { class: 'dot' }), h('span')), ...Array.from({ length: 9 }, () => h('td', { class: 'num q' })));
        body.append(tr);
      }
      const old = before?.rows.get(row.type);
      const time = messages.message_times?.[row.type];
      const all = row.in.count + row.out.count;
      const cells: Quantity[] = [count(row.in.count), count(row.out.count), rate(row.in.count, old?.in.count), rate(row.out.count, old?.out.count), bytes(row.in.bytes), bytes(row.out.bytes), bytes(all ? (row.in.bytes + row.out.bytes) / all : undefined), duration(time?.count ? time.total_ns / time.count : undefined), duration(time?.max_ns)];
      tr.firstElementChild!.className = `f-${FAMILIES[familyOf(row.type)]!.id}`;
      setText(tr.firstElementChild!.lastElementChild!, safe(row.type, 24));
      cells.forEach((cell, c) => setQuantity(tr.children[c + 1] as HTMLElement, cell));
      setAttr(tr, 'title', time ? timeWords(time) : null);
    });
    while (body.children.length > rows.length) body.lastElementChild!.remove();
    if (rows.length === 0) body.replaceChildren(h('tr', { class: 'none' }, h('td', { colspan: '10' }, 'No message yet.')));
    const sum = (pick: (row: Total) => number): number => rows.reduce((total, row) => total + pick(row), 0);
    const [inN, outN, inB, outB] = [sum((r) => r.in.count), sum((r) => r.out.count), sum((r) => r.in.bytes), sum((r) => r.out.bytes)];
    const said = (q: Quantity): string => `${q.value} ${q.unit}`;
    inTile.set(count(inN), `messages · ${said(bytes(inB))}`);
    outTile.set(count(outN), `messages · ${said(bytes(outB))}`);
    sizeTile.set(bytes(inN + outN ? (inB + outB) / (inN + outN) : undefined), 'payload, both ways');
    const worst = Object.entries(messages.message_times ?? {}).sort((a, b) => (b[1].total_at_least_ns ?? 0) - (a[1].total_at_least_ns ?? 0))[0];
    busyTile.set({ value: worst ? safe(worst[0], 24) : '–', unit: '' }, worst ? `${said(duration(worst[1].total_at_least_ns))} at least for ${integer(worst[1].count + (worst[1].idle ?? 0))}` : '');
    drawGossip(messages);
    before = { rows: new Map(rows.map((row) => [row.type, row])), at: now };
  }
  let drawnOdd = '';
  function drawGossip(messages: Messages): void {
    const of = (dir: 'in' | 'out'): Record<string, number> => messages.inv?.entries?.[dir] ?? {};
    inventory.set(
      Object.keys({ ...of('in'), ...of('out') })
        .map((type) => ({ type, in: of('in')[type] ?? 0, out: of('out')[type] ?? 0 }))
        .filter((row) => row.in + row.out > 0)
        .sort((a, b) => b.in + b.out - a.in - a.out)
        .map((row) => ({ label: safe(row.type, 30), value: row.in, color: 'c--in', more: { value: row.out, color: 'c--out' }, shown: count(row.in + row.out), title: `${integer(row.in)} in, ${integer(row.out)} out` })),
      'Nothing was announced yet.',
    );
    filters.set(messages.fee_filter_sat_per_vb_in);
    const rows = [...(messages.findings ?? []).map((one) => ({ type: one.type, what: one.problem, n: one.count })), ...Object.entries(messages.rejects ?? {}).map(([code, n]) => ({ type: 'reject', what: code, n }))];
    const key = JSON.stringify(rows);
    if (key === drawnOdd) return;
    drawnOdd = key;
    rows.sort((a, b) => b.n - a.n);
    if (rows.length === 0) return odd.replaceChildren(h('p', { class: 'calm' }, 'None. Every message was read to its last byte.'));
    odd.replaceChildren(
      h('table', { class: 'plain' }, h('thead', null, h('tr', null, th('Type', 'Message type', false), th('What', 'The problem', false), th('Messages', 'How many'))), h('tbody', null, ...rows.map((row) => h('tr', null, h('th', { scope: 'row' }, safe(row.type, 24)), h('td', null, safe(row.what, 80)), h('td', { class: 'num' }, integer(row.n)))))),
    );
  }
  function drawChart(): void {
    const steps = stepsOf(store.history, range);
    const families = FAMILIES.map((_, family) =>
      rates(steps, (point) => Object.entries(point.messages_in_by_kind ?? {}).reduce((sum, [kind, n]) => sum + ((FAMILY_OF_KIND[kind] ?? 5) === family ? n : 0), 0)),
    );
    chart.set(
      steps.map(({ point }) => point.utc_ms),
      families,
      store.historyNote(),
    );
    setText(chartHint, `Messages a second from peers${steps.length > 1 ? `, ${coveredBy(steps)}` : ''}`);
  }
  let asked = 0;
  return {
    title: 'Messages',
    el,
    update() {
      if (performance.now() - asked < 1900 || store.status.phase !== 'open') return;
      asked = performance.now();
      void store.loadHistory().then(drawChart);
    },
    destroy() {
      polling.stop();
      chart.destroy();
    },
  };
}
