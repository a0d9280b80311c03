// The table of peers: as many rows in the document as fit on the screen, however many peers there are.
import { h, setAttr, setQuantity, setText, show } from '../lib/dom';
import type { Peer } from '../api';
import { integer, safe } from '../lib/format';
import { CLOSED_COLUMNS, COLUMNS, filterRows, sortRows, type Column, type Order, type Row } from '../lib/peer_table';
import { empty, failure, poll, tabs } from '../lib/widgets';
import type { Context, View } from '../view';

const ROW = 38;
const SPARE = 6;
// Outlive the views: coming back from a peer, the table is as it was left.
const memories = {
  connected: { query: '', order: { column: 'in', down: true } as Order, selected: -1, scroll: 0 },
  closed: { query: '', order: { column: 'closed', down: false } as Order, selected: -1, scroll: 0 },
};
export const PEER_TABS: [string, string][] = [['#/peers', 'Connected'], ['#/peers/closed', 'Closed'], ['#/peers/totals', 'Totals']];

export function makePeers({ store, go }: Context, rest: string[]): View {
  const past = rest[0] === 'closed';
  const memory = past ? memories.closed : memories.connected;
  const possible = past ? CLOSED_COLUMNS : COLUMNS;
  let gone: Peer[] = [];
  let rows: Row[] = [];
  let columns: readonly Column[] = [];
  let selected = memory.selected;
  let calmUntil = 0;

  const search = h('input', { type: 'search', class: 'search', placeholder: 'Filter: tor in satoshi:29 -knots', 'aria-label': 'Filter peers', autocomplete: 'off', spellcheck: 'false', oninput: () => ((memory.query = search.value), rebuild(true)) });
  search.value = memory.query;
  search.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      if (search.value) ((search.value = memory.query = ''), rebuild(true));
      else search.blur();
    } else if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      select(0, true);
    }
  });
  const found = h('span', { class: 'muted found', role: 'status' });
  const head = h('div', { class: 'pt-head', role: 'row', 'aria-rowindex': '1' });
  const sizer = h('div', { class: 'pt-sizer', role: 'presentation' });
  const body = h('div', { class: 'pt-body', role: 'rowgroup' }, sizer);
  const grid = h('div', { class: 'pt', role: 'grid', 'aria-label': past ? 'Closed peers' : 'Peers', 'aria-describedby': 'pt-help' }, h('div', { role: 'rowgroup' }, head), body);
  const none = h('div', { hidden: true });
  const el = h(
    'div',
    { class: 'view peers' },
    h('div', { class: 'view-head' }, h('h1', null, past ? 'Closed peers' : 'Peers'), tabs('Which peers', PEER_TABS, past ? '#/peers/closed' : '#/peers'), h('div', { class: 'tools' }, found, search)),
    h('p', { class: 'sr', id: 'pt-help' }, 'Arrow keys move, Enter opens a peer.'),
    grid,
    none,
  );
  const pool: HTMLElement[] = [];

  function layout(): void {
    const width = grid.clientWidth || 1200;
    const next = possible.filter((column) => column.from <= width);
    if (next.length === columns.length) return;
    columns = next;
    grid.style.setProperty('--pt-columns', columns.map((column) => column.width).join(' '));
    setAttr(grid, 'aria-colcount', String(columns.length));
    head.replaceChildren(
      ...columns.map((column) =>
        h('div', { role: 'columnheader', class: column.number ? 'num' : '', 'data-column': column.id }, h('button', { type: 'button', title: column.title, onclick: () => sortBy(column) }, column.name, h('span', { class: 'sort-mark', 'aria-hidden': 'true' }))),
      ),
    );
    pool.forEach((row) => row.remove());
    pool.length = 0;
    markOrder();
  }
  function markOrder(): void {
    for (const cell of head.children) {
      const mine = (cell as HTMLElement).dataset.column === memory.order.column;
      setAttr(cell, 'aria-sort', mine ? (memory.order.down ? 'descending' : 'ascending') : null);
      setText(cell.querySelector('.sort-mark')!, mine ? (memory.order.down ? '↓' : '↑') : '');
    }
  }
  function sortBy(column: Column): void {
    const { order } = memory;
    memory.order = order.column === column.id ? { column: column.id, down: !order.down } : { column: column.id, down: column.number === true && column.id !== 'id' };
    markOrder();
    rebuild(true);
  }
  function rebuild(top = false): void {
    const now = store.now();
    const all = (past ? gone : store.peers()).map((peer) => ({ peer, rate: past ? undefined : store.rates.of(peer.id), now }));
    const wanted = filterRows(all, memory.query);
    if (!top && performance.now() < calmUntil) {
      // Somebody is about to click: rows keep their places, the numbers in them move on.
      const place = new Map(rows.map((row, i) => [row.peer.id, i]));
      rows = wanted.sort((a, b) => (place.get(a.peer.id) ?? 1e9 + a.peer.id) - (place.get(b.peer.id) ?? 1e9 + b.peer.id));
    } else rows = sortRows(wanted, memory.order, possible);
    setText(found, memory.query ? `${integer(rows.length)} of ${integer(all.length)} peers` : `${integer(all.length)} peers`);
    setAttr(grid, 'aria-rowcount', String(rows.length + 1));
    sizer.style.height = `${rows.length * ROW}px`;
    if (top) body.scrollTop = 0;
    show(grid, rows.length > 0);
    show(none, rows.length === 0);
    if (rows.length === 0)
      none.replaceChildren(error ? failure(error, () => polling?.now()) : past && all.length === 0 ? empty('Nobody has left', 'Of peers that leave, the last 256 are kept here: when they left, and why as far as anybody saw.', 'peers') : all.length === 0 ? empty('No peers', 'Nobody is connected, or nobody has said anything since coretap looks. Peers appear with their first message.', 'peers') : empty('No peer matches', `Nothing matches this filter. Esc in the field clears it.`, 'peers'));
    paint();
  }
  function makeRow(): HTMLElement {
    const row = h('div', { class: 'pt-row', role: 'row', tabindex: '-1' }, ...columns.map((column) => h('div', { role: 'gridcell', class: `q pt-${column.id}${column.number ? ' num' : ''}` })));
    row.addEventListener('click', () => open(Number(row.dataset.id)));
    row.addEventListener('focus', () => (selected = memory.selected = Number(row.dataset.id)));
    sizer.append(row);
    return row;
  }
  function paint(): void {
    const first = Math.max(0, Math.floor(body.scrollTop / ROW) - SPARE);
    const visible = Math.ceil((body.clientHeight || 700) / ROW) + 2 * SPARE;
    const last = Math.min(rows.length, first + visible);
    const at = rows.findIndex((row) => row.peer.id === selected);
    // Rows are found again by peer, so that focus stays with the peer when the order changes.
    const free = new Set(pool);
    const byId = new Map(pool.map((row) => [Number(row.dataset.id), row]));
    const shown: [number, HTMLElement | undefined][] = [];
    for (let i = first; i < last; i++) {
      const row = byId.get(rows[i]!.peer.id);
      if (row) free.delete(row);
      shown.push([i, row]);
    }
    // The focused row stays in the document even when it is scrolled out of sight.
    const focused = document.activeElement as HTMLElement;
    if (free.has(focused)) free.delete(focused);
    const spare = [...free];
    for (const [i, known] of shown) {
      const row = known ?? spare.pop() ?? pool[pool.push(makeRow()) - 1]!;
      fill(row, rows[i]!, i, i === (at < 0 ? 0 : at));
    }
    for (const row of spare) {
      row.remove();
      pool.splice(pool.indexOf(row), 1);
    }
    if (pool.includes(focused) && at < 0) focused.hidden = true;
    else if (pool.includes(focused)) fill(focused, rows[at]!, at, true);
  }
  function fill(el: HTMLElement, row: Row, index: number, reachable: boolean): void {
    const { peer } = row;
    el.hidden = false;
    if (el.dataset.id !== String(peer.id)) el.dataset.id = String(peer.id);
    const y = `translateY(${index * ROW}px)`;
    if (el.style.transform !== y) el.style.transform = y;
    setAttr(el, 'aria-rowindex', String(index + 2));
    setAttr(el, 'tabindex', reachable ? '0' : '-1');
    el.classList.toggle('odd', peer.misbehaving !== undefined && peer.misbehaving > 0);
    columns.forEach((column, i) => {
      const cell = el.children[i] as HTMLElement;
      const q = column.show(row);
      setQuantity(cell, q);
      if (column.id === 'address') cell.title = safe(peer.address, 300) + (peer.misbehaving ? ` · misbehaved: ${safe(peer.last_misbehaviour, 128)}` : '');
      if (column.id === 'agent' || column.id === 'why') cell.title = q.value;
      if (column.id === 'direction') cell.dataset.dir = q.value;
      if (column.id === 'in' || column.id === 'out') cell.classList.toggle('zero', q.value === '0');
    });
  }
  function select(index: number, focus: boolean): void {
    if (rows.length === 0) return;
    const at = Math.min(rows.length - 1, Math.max(0, index));
    selected = memory.selected = rows[at]!.peer.id;
    const top = at * ROW;
    if (top < body.scrollTop) body.scrollTop = top;
    else if (top + ROW > body.scrollTop + body.clientHeight) body.scrollTop = top + ROW - body.clientHeight;
    paint();
    if (focus) pool.find((row) => Number(row.dataset.id) === selected && !row.hidden)?.focus({ preventScroll: true });
  }
  function open(id: number): void {
    memory.selected = id;
    memory.scroll = body.scrollTop;
    go(`#/peers/${id}`);
  }
  body.addEventListener('pointermove', () => (calmUntil = performance.now() + 2000));
  let frame = 0;
  body.addEventListener('scroll', () => {
    memory.scroll = body.scrollTop;
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(paint);
  });
  const observer = new ResizeObserver(() => (layout(), paint()));
  observer.observe(grid);
  let restored = false;
  let error: Error | undefined;
  const polling = past
    ? poll<{ peers?: Peer[] }>(
        'peers',
        () => ({ node: store.nodeParam(), closed: '1' }),
        2000,
        (answer) => {
          error = undefined;
          gone = (answer.peers ?? []).filter((peer) => peer.closed_utc_ms != null);
          rebuild();
        },
        (what) => ((error = what), rebuild()),
      )
    : undefined;
  return {
    title: past ? 'Closed peers' : 'Peers',
    el,
    update() {
      layout();
      rebuild();
      if (!restored && rows.length > 0) {
        restored = true;
        body.scrollTop = memory.scroll;
        paint();
      }
    },
    key(event) {
      const at = rows.findIndex((row) => row.peer.id === selected);
      const inside = body.contains(document.activeElement);
      const page = Math.max(1, Math.floor(body.clientHeight / ROW) - 1);
      const moves: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: rows.length - 1 };
      const to = moves[event.key];
      if (to !== undefined && !(document.activeElement instanceof HTMLButtonElement)) return select(inside || event.key === 'Home' || event.key === 'End' ? to : Math.max(at, 0), true), true;
      if (event.key === 'Enter' && inside && selected >= 0) return open(selected), true;
      if (event.key === 'Escape' && memory.query) return (search.value = memory.query = ''), rebuild(true), true;
      return false;
    },
    destroy() {
      polling?.stop();
      observer.disconnect();
      cancelAnimationFrame(frame);
    },
  };
}
