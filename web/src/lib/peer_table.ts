// The columns of the table of peers, their order, and what the filter understands. Pure.
import type { Peer } from '../api';
import type { Rate } from '../store';
import { ageShort, byteRate, bytes, count, DASH, duration, integer, safe, shortAddress, type Quantity } from './format';

export interface Row {
  peer: Peer;
  rate: Rate | undefined;
  now: number;
}
export interface Column {
  id: string;
  name: string;
  title: string;
  /** As in grid-template-columns. */
  width: string;
  /** Least width of the table, in px, at which it is shown. */
  from: number;
  number?: boolean;
  show(row: Row): Quantity;
  sort(row: Row): number | string | undefined;
}
const plain = (value: string): Quantity => ({ value, unit: '' });
const NETWORK: Record<string, string> = { ipv4: 'IPv4', ipv6: 'IPv6', onion: 'Tor', i2p: 'I2P', cjdns: 'CJDNS', not_publicly_routable: 'Local' };
const TYPE: Record<string, string> = { 'outbound-full-relay': 'full relay', 'block-relay-only': 'block relay', 'addr-fetch': 'addr fetch', 'private-broadcast': 'private' };
/** Services as letters, as getpeerinfo's users know them from -netinfo. */
const LETTER: Record<string, string> = { NETWORK: 'n', BLOOM: 'b', WITNESS: 'w', COMPACT_FILTERS: 'c', NETWORK_LIMITED: 'l', P2P_V2: '2' };
const age = (row: Row): number | undefined => (row.peer.connected_utc_ms == null ? undefined : (row.now - row.peer.connected_utc_ms) / 1000);
/** The user's lists (--address-list) that its address is on. */
export const listsOf = (peer: Peer): string => (peer.lists ?? []).map((name) => safe(name, 32)).join(', ');
const messages = (peer: Peer): number => (peer.messages_in ?? 0) + (peer.messages_out ?? 0);

export const COLUMNS: readonly Column[] = [
  { id: 'id', name: 'Peer', title: 'Peer id, as in getpeerinfo', width: '56px', from: 520, number: true, show: ({ peer }) => plain(String(peer.id)), sort: ({ peer }) => peer.id },
  { id: 'address', name: 'Address', title: 'Address', width: 'minmax(150px,2fr)', from: 0, show: ({ peer }) => ({ value: `${peer.misbehaving ? '⚠ ' : ''}${shortAddress(safe(peer.address, 300))}`, unit: listsOf(peer) }), sort: ({ peer }) => peer.address },
  { id: 'network', name: 'Network', title: 'Network', width: '72px', from: 620, show: ({ peer }) => plain(NETWORK[peer.network ?? ''] ?? (safe(peer.network, 20) || DASH)), sort: ({ peer }) => peer.network },
  { id: 'direction', name: 'Dir', title: 'Who connected: the peer (in) or we (out)', width: '44px', from: 420, show: ({ peer }) => plain(peer.inbound ? 'in' : 'out'), sort: ({ peer }) => (peer.inbound ? 'in' : 'out') },
  { id: 'type', name: 'Type', title: 'Type of connection', width: '88px', from: 1240, show: ({ peer }) => plain(TYPE[peer.conn_type ?? ''] ?? (safe(peer.conn_type, 30) || DASH)), sort: ({ peer }) => peer.conn_type },
  { id: 'agent', name: 'User agent', title: 'What it says it runs', width: 'minmax(140px,1.5fr)', from: 820, show: ({ peer }) => plain(safe(peer.version?.user_agent, 256) || DASH), sort: ({ peer }) => peer.version?.user_agent },
  { id: 'height', name: 'Height', title: 'Best height it is known to have', width: '78px', from: 960, number: true, show: ({ peer }) => plain(integer(peer.height)), sort: ({ peer }) => peer.height ?? undefined },
  { id: 'ping', name: 'Ping', title: 'Last round trip', width: '76px', from: 720, number: true, show: ({ peer }) => duration(peer.ping?.last_ns), sort: ({ peer }) => peer.ping?.last_ns ?? undefined },
  { id: 'in', name: 'In', title: 'Payload from it, over the last seconds', width: '88px', from: 330, number: true, show: ({ rate }) => byteRate(rate?.in), sort: ({ rate }) => rate?.in },
  { id: 'out', name: 'Out', title: 'Payload to it, over the last seconds', width: '88px', from: 460, number: true, show: ({ rate }) => byteRate(rate?.out), sort: ({ rate }) => rate?.out },
  { id: 'messages', name: 'Messages', title: 'Both ways, since it is watched', width: '88px', from: 1400, number: true, show: ({ peer }) => count(messages(peer)), sort: ({ peer }) => messages(peer) },
  { id: 'age', name: 'Age', title: 'Time since it connected', width: '76px', from: 1040, number: true, show: (row) => (age(row) === undefined ? plain('before us') : ageShort(age(row))), sort: (row) => age(row) ?? Infinity },
  { id: 'services', name: 'Services', title: 'n NETWORK, w WITNESS, l NETWORK_LIMITED, 2 P2P_V2, c COMPACT_FILTERS, b BLOOM', width: '76px', from: 1500, show: ({ peer }) => plain((peer.version?.services_names ?? []).map((name) => LETTER[name] ?? '?').join('') || DASH), sort: ({ peer }) => peer.version?.services },
];

/** Why a connection ended, as far as anybody saw. */
export function closedWhy(peer: Peer): string {
  if (peer.evicted) return 'evicted to make room';
  if (peer.misbehaving) return `misbehaved: ${safe(peer.last_misbehaviour, 128)}`;
  if (peer.close_inferred) return 'not seen: silent, or the node ended';
  return 'closed by either side';
}
const ago = ({ peer, now }: Row): number | undefined => (peer.closed_utc_ms == null ? undefined : (now - peer.closed_utc_ms) / 1000);
const stayed = ({ peer }: Row): number | undefined => (peer.closed_utc_ms == null || peer.connected_utc_ms == null ? undefined : (peer.closed_utc_ms - peer.connected_utc_ms) / 1000);
const shared = (...ids: string[]): Column[] => ids.map((id) => COLUMNS.find((column) => column.id === id)!);
/** Of peers that have left. */
export const CLOSED_COLUMNS: readonly Column[] = [
  ...shared('id', 'address', 'network', 'direction', 'type'),
  { ...shared('agent')[0]!, from: 1240 },
  { id: 'closed', name: 'Closed', title: 'Time since it was closed', width: '92px', from: 0, number: true, show: (row) => { const q = ageShort(ago(row)); return q.unit ? { value: q.value, unit: `${q.unit} ago` } : q; }, sort: (row) => ago(row) },
  { id: 'stayed', name: 'Stayed', title: 'How long it was connected', width: '84px', from: 620, number: true, show: (row) => (stayed(row) === undefined ? plain(DASH) : ageShort(stayed(row))), sort: (row) => stayed(row) },
  { id: 'why', name: 'Why', title: 'Why it ended, as far as anybody saw', width: 'minmax(130px,1.5fr)', from: 480, show: ({ peer }) => plain(closedWhy(peer)), sort: ({ peer }) => closedWhy(peer) },
  { id: 'bytes', name: 'In + out', title: 'Payload both ways, in all', width: '88px', from: 900, number: true, show: ({ peer }) => bytes((peer.bytes_in ?? 0) + (peer.bytes_out ?? 0)), sort: ({ peer }) => (peer.bytes_in ?? 0) + (peer.bytes_out ?? 0) },
];

export interface Order {
  column: string;
  down: boolean;
}
/** Sorted copy. What is not known comes last, whichever way; equal rows by id, so that they do not dance. */
export function sortRows(rows: readonly Row[], order: Order, columns: readonly Column[] = COLUMNS): Row[] {
  const column = columns.find((one) => one.id === order.column) ?? columns[0]!;
  const sign = order.down ? -1 : 1;
  const keyed = rows.map((row) => ({ row, key: column.sort(row) }));
  keyed.sort((a, b) => {
    if (a.key === undefined || b.key === undefined) return a.key === b.key ? a.row.peer.id - b.row.peer.id : a.key === undefined ? 1 : -1;
    const less = a.key < b.key ? -1 : a.key > b.key ? 1 : 0;
    return less ? sign * less : a.row.peer.id - b.row.peer.id;
  });
  return keyed.map(({ row }) => row);
}

/** Words must all be found; `in`, `out` and names of networks mean the column; `-word` must not be found. */
export function filterRows(rows: readonly Row[], query: string): Row[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [...rows];
  return rows.filter(({ peer }) => {
    const direction = peer.inbound ? 'in' : 'out';
    const network = (peer.network ?? '').toLowerCase();
    const hay = `${peer.id} ${peer.address} ${network} ${NETWORK[network] ?? ''} ${peer.conn_type ?? ''} ${peer.version?.user_agent ?? ''} ${(peer.version?.services_names ?? []).join(' ')} ${listsOf(peer)}`.toLowerCase();
    return words.every((word) => {
      const not = word.length > 1 && word.startsWith('-');
      const wanted = not ? word.slice(1) : word;
      const found = wanted === 'in' || wanted === 'out' ? direction === wanted : Object.hasOwn(NETWORK, wanted) ? network === wanted : wanted === 'tor' ? network === 'onion' : hay.includes(wanted);
      return found !== not;
    });
  });
}
