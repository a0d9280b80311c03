// What is worth a line as it happens: who comes and goes, blocks, what coretap itself has to say. Pure.
import type { Journey, Peer, TapEvent } from '../api';
import { ageShort, count, duration, integer, safe, shortAddress, text } from './format';

export interface Happening {
  /** Of the event; 0: known from a snapshot. */
  seq: number;
  utcMs: number;
  kind: 'in' | 'out' | 'gone' | 'bad' | 'block' | 'own';
  words: string;
  /** Whom or what it is about, as an address of the page. */
  link?: { hash: string; words: string };
}
/** Which events they are. coretap's own come with every subscription. */
export const HAPPENINGS = ['net:inbound_connection', 'net:outbound_connection', 'net:closed_connection', 'net:evicted_inbound_connection', 'net:misbehaving_connection', 'validation:block_connected'];

const number = (value: unknown): number | undefined => (typeof value === 'number' ? value : undefined);
const string = (value: unknown, limit = 80): string => safe(typeof value === 'string' ? value : '', limit);


export function toHappening(event: TapEvent): Happening | undefined {
  const { args } = event;
  const id = number(args.peer_id);
  const address = shortAddress(string(args.addr, 300));
  const at = { seq: event.seq, utcMs: Date.parse(event.ts), ...(id === undefined ? {} : { link: { hash: `#/peers/${id}`, words: `peer ${id}` } }) };
  switch (event.event) {
    case 'net:inbound_connection':
      return { ...at, kind: 'in', words: `connected from ${address}` };
    case 'net:outbound_connection':
      return { ...at, kind: 'out', words: `is our connection to ${address} (${string(args.conn_type, 40)})` };
    case 'net:closed_connection': {
      const since = number(args.connected_at);
      return { ...at, kind: 'gone', words: since ? `left after ${text(ageShort(at.utcMs / 1000 - since))}` : 'left' };
    }
    case 'net:evicted_inbound_connection':
      return { ...at, kind: 'gone', words: 'was evicted to make room' };
    case 'net:misbehaving_connection':
      return { ...at, kind: 'bad', words: `misbehaved: ${string(args.reason, 120) || 'no reason given'}` };
    case 'validation:block_connected':
      return {
        ...at,
        kind: 'block',
        link: { hash: `#/blocks/${string(args.block_hash, 64)}`, words: `Block ${integer(number(args.height))}` },
        words: `connected: ${text(count(number(args.transactions), 'tx'))} in ${text(duration(number(args.duration)))}`,
      };
    case 'coretap:node_found':
      return { ...at, kind: 'own', words: 'The node was found, and is traced' };
    case 'coretap:node_gone':
      return { ...at, kind: 'own', words: 'The node has ended' };
    case 'coretap:lost':
      return { ...at, kind: 'bad', words: `${text(count(number(args.count), 'events'))} of ${string(args.tracepoint, 60)} were lost (${string(args.reason, 40)})` };
    default:
      return undefined;
  }
}

/** The newest of what a snapshot tells of the time before events are heard: connections and blocks. */
export function fromSnapshot(peers: readonly Peer[], blocks: readonly Journey[], limit: number): Happening[] {
  const came = peers
    .filter((peer) => peer.connected_utc_ms != null)
    .map((peer): Happening => {
      const address = shortAddress(string(peer.address, 300));
      return { seq: 0, utcMs: peer.connected_utc_ms!, kind: peer.inbound ? 'in' : 'out', link: { hash: `#/peers/${peer.id}`, words: `peer ${peer.id}` }, words: peer.inbound ? `connected from ${address}` : `is our connection to ${address} (${string(peer.conn_type, 40)})` };
    });
  const connected = blocks
    .filter((block) => block.connected_utc_ms != null)
    .map((block): Happening => ({ seq: 0, utcMs: block.connected_utc_ms!, kind: 'block', link: { hash: `#/blocks/${block.hash}`, words: `Block ${integer(block.height)}` }, words: `connected: ${text(count(block.transactions, 'tx'))} in ${text(duration(block.connect_ns))}` }));
  return [...came, ...connected].sort((a, b) => b.utcMs - a.utcMs).slice(0, limit);
}
