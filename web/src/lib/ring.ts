// Where peers stand around the node: by network, inbound and outbound apart, each group an arc. Pure.
import type { Peer } from '../api';

export interface Seat {
  id: number;
  angle: number;
  /** 0: the outer ring; more where one ring has no room. */
  ring: number;
  network: string;
  inbound: boolean;
}
export interface Arc {
  network: string;
  from: number;
  to: number;
  count: number;
}
const ORDER = ['ipv4', 'ipv6', 'onion', 'i2p', 'cjdns'];
const GAP = 0.09;

/** Starting at the top, clockwise. `perRing`: how many fit on one circle. */
export function seats(peers: readonly Peer[], perRing: number): { seats: Seat[]; arcs: Arc[] } {
  const groups = new Map<string, Peer[]>();
  for (const peer of peers) {
    const network = ORDER.includes(peer.network ?? '') ? peer.network! : 'other';
    const group = groups.get(network);
    if (group) group.push(peer);
    else groups.set(network, [peer]);
  }
  const names = [...ORDER, 'other'].filter((name) => groups.has(name));
  const rings = Math.max(1, Math.ceil(peers.length / Math.max(1, perRing)));
  const free = Math.PI * 2 - (names.length > 1 ? GAP * names.length : 0);
  const out: Seat[] = [];
  const arcs: Arc[] = [];
  let angle = -Math.PI / 2 + (names.length > 1 ? GAP / 2 : 0);
  for (const network of names) {
    const group = groups.get(network)!.sort((a, b) => Number(a.inbound ?? false) - Number(b.inbound ?? false) || a.id - b.id);
    const span = (free * group.length) / peers.length;
    group.forEach((peer, i) => out.push({ id: peer.id, angle: angle + (span * (i + 0.5)) / group.length, ring: i % rings, network, inbound: peer.inbound ?? false }));
    arcs.push({ network, from: angle, to: angle + span, count: group.length });
    angle += span + GAP;
  }
  return { seats: out, arcs };
}
