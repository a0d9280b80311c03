// A small, deterministic Bitcoin node that talks to its peers: what the page is developed and tested with.
import type { AddrRelay, Count, Hist, HistoryPoint, Journey, Messages, Mempool, NodeOverview, Peer, TapEvent, Utxo } from '../src/api';

export type Random = () => number;
export function random(seed: number): Random {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
const AGENTS = ['/Satoshi:29.0.0/', '/Satoshi:28.1.0/', '/Satoshi:27.0.0/', '/Satoshi:30.0.0/', '/Satoshi:29.0.0/Knots:20250305/', '/btcd:0.24.2/', '/bitcoinj:0.16.2/'];
const KINDS = ['inventory', 'transactions', 'blocks', 'headers', 'addresses', 'pings', 'filters', 'other'];
const KIND_OF: Record<string, number> = { inv: 0, getdata: 0, notfound: 0, tx: 1, feefilter: 1, block: 2, cmpctblock: 2, getblocktxn: 2, blocktxn: 2, headers: 3, getheaders: 3, addr: 4, addrv2: 4, getaddr: 4, ping: 5, pong: 5 };

const histogram = (bounds: number[]): Hist => ({ bounds, counts: new Array<number>(bounds.length + 1).fill(0), sum: 0, count: 0 });
function observe(hist: Hist, value: number): void {
  const at = hist.bounds.findIndex((bound) => value <= bound);
  hist.counts[at < 0 ? hist.bounds.length : at]!++;
  hist.sum += value;
  hist.count++;
}

export type MockPeer = Peer & { messages: { in: Record<string, Count>; out: Record<string, Count> }; rtt: number };
interface Due {
  at: number;
  run: (at: number) => void;
}

export class World {
  readonly peers: MockPeer[] = [];
  readonly blocks: Journey[] = [];
  readonly seconds: HistoryPoint[] = [];
  readonly minutes: HistoryPoint[] = [];
  readonly mempool: Mempool & { removed: Record<string, { count: number; vsize: number; fee: number }>; rejected: Record<string, number> };
  readonly utxo: Required<Utxo>;
  readonly addr: AddrRelay;
  readonly totals = { in: { count: 21_300_114, bytes: 6_120_332_104 }, out: { count: 19_004_022, bytes: 18_220_104_330 } };
  readonly messages: Required<Messages>;
  height = 921_337;
  tip = '';
  tipAt = 0;
  seq = 1;
  events = 48_211_904;
  emit: (event: TapEvent) => void = () => {};
  #due: Due[] = [];
  #second: HistoryPoint | undefined;
  #nextBlock = 0;

  constructor(
    readonly label: string,
    readonly start: number,
    readonly rnd: Random,
    peers: number,
    readonly perSecond: number,
  ) {
    for (let id = 0; id < peers; id++) this.peers.push(this.#peer(id));
    this.mempool = {
      added: { count: 184_220, vsize: 48_902_118, fee: 188_301_552 },
      removed: { block: { count: 171_882, vsize: 46_000_311, fee: 180_442_111 }, replaced: { count: 6_120, vsize: 1_730_201, fee: 6_201_334 }, expiry: { count: 311, vsize: 90_100, fee: 40_021 }, conflict: { count: 42, vsize: 12_021, fee: 31_233 }, sizelimit: { count: 0, vsize: 0, fee: 0 } },
      rejected: { 'txn-mempool-conflict': 912, 'min relay fee not met': 8_801, 'insufficient fee': 1_290, 'mempool min fee not met': 420, 'bad-txns-inputs-missingorspent': 377, dust: 61, 'too-long-mempool-chain': 9 },
      replaced: { count: 6_120, vsize: 1_730_201, fee: 6_201_334 },
      replacements_by_package: 12,
      added_feerate_sat_per_vb: histogram([0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 20, 50, 100, 500]),
      block_removal_age_seconds: histogram([60, 300, 600, 1800, 3600, 21_600, 86_400, 604_800]),
    };
    for (let i = 0; i < 4000; i++) {
      observe(this.mempool.added_feerate_sat_per_vb!, Math.exp(rnd() * rnd() * 5.5 - 1.2));
      observe(this.mempool.block_removal_age_seconds!, Math.exp(3 + rnd() * 6.5));
    }
    const flush = (mode: string, prune: boolean, n: number, seconds: number) => {
      const hist = histogram([0.001, 0.01, 0.05, 0.1, 0.5, 1, 2, 5, 15, 60]);
      for (let i = 0; i < n; i++) observe(hist, seconds * (0.5 + rnd()));
      return { mode, for_prune: prune, count: n, coins: n * 421_000, seconds: hist, last_memory_bytes: 452_114_002, last_coins: 2_931_442, last_utc_ms: start - 1_200_000 * (1 + rnd()) };
    };
    this.utxo = { added: 8_412_991, spent: 7_901_312, uncached: 211_310, flushes: [flush('PERIODIC', false, 41, 1.8), flush('IF_NEEDED', false, 212, 0.004), flush('FORCE_SYNC', true, 3, 6.1)], coins: { selected: { bnb: 211, knapsack: 31, srd: 84, cg: 12 }, created: 338, failed: 7, aps_attempts: 338, aps_used: 21 } };
    const entryBounds = [1, 2, 3, 5, 10, 25, 50, 100, 500, 1000];
    const offsetBounds = [-2_592_000, -604_800, -86_400, -43_200, -10_800, -3_600, -600, 0, 600, 3_600, 86_400, 604_800];
    const both = (bounds: number[], make: () => number, n: number) => {
      const pair = { in: histogram(bounds), out: histogram(bounds) };
      for (let i = 0; i < n; i++) (observe(pair.in, make()), i % 3 && observe(pair.out, make()));
      return pair;
    };
    const few = () => (rnd() < 0.8 ? 1 + Math.floor(rnd() * 3) : Math.floor(rnd() * rnd() * 1100));
    const old = () => 60 - Math.exp(4 + rnd() * 9);
    this.addr = {
      entries: { addr: both(entryBounds, few, 800), addrv2: both(entryBounds, few, 4200) },
      time_offset_seconds: { addr: both(offsetBounds, old, 800), addrv2: both(offsetBounds, old, 4200) },
      networks: { in: { ipv4: 90_211, ipv6: 31_002, onion: 28_777, i2p: 4_211, cjdns: 311 }, out: { ipv4: 61_211, ipv6: 22_002, onion: 18_700, i2p: 2_211, cjdns: 120 } },
      service_bits: { in: { NETWORK: 150_002, WITNESS: 149_112, NETWORK_LIMITED: 151_301, P2P_V2: 98_221, COMPACT_FILTERS: 31_020, BLOOM: 4_002 }, out: {} },
      self_announcements: { in: 1_911, out: 402 },
      rate_limited: 12_411,
      processed: 142_101,
      empty: { in: 3, out: 0 },
    };
    this.messages = {
      messages: { in: {}, out: {} },
      message_times: {},
      messages_exact: true,
      inv: { entries: { in: { wtx: 901_221, tx: 31_002, block: 12 }, out: { wtx: 801_101, tx: 9_002, block: 3 } } },
      ping_seconds: histogram([0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 10]),
      fee_filter_sat_per_vb_in: histogram([0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000]),
      user_agents: { '/Satoshi:29.0.0/': 412, '/Satoshi:28.1.0/': 211, '<img src=x onerror=alert(1)>': 3, other: 96 },
      protocol_versions: { 70016: 690, 70015: 32 },
      version_services: { NETWORK: 590, WITNESS: 700, NETWORK_LIMITED: 702, P2P_V2: 430 },
      rejects: {},
      findings: [{ type: 'addrv2', problem: 'limit exceeded', count: 3 }],
    };
    for (let i = 0; i < 900; i++) {
      observe(this.messages.ping_seconds, Math.exp(rnd() * 5 - 5));
      observe(this.messages.fee_filter_sat_per_vb_in, 1 + rnd() * rnd() * 9);
    }
    this.#past();
    this.#nextBlock = start + 20_000;
  }

  #hash(): string {
    let out = '';
    while (out.length < 64) out += Math.floor(this.rnd() * 0xffffffff).toString(16).padStart(8, '0');
    return out.slice(0, 64);
  }
  #blockHash = (): string => `00000000000000000000${this.#hash().slice(20)}`;

  #peer(id: number): MockPeer {
    const { rnd } = this;
    const inbound = id >= 11;
    const r = rnd();
    const network = r < 0.46 ? 'ipv4' : r < 0.6 ? 'ipv6' : r < 0.87 ? 'onion' : r < 0.96 ? 'i2p' : 'cjdns';
    const word = (n: number) => Array.from({ length: n }, () => 'abcdefghijklmnopqrstuvwxyz234567'[Math.floor(rnd() * 32)]).join('');
    const byte = () => Math.floor(rnd() * 254) + 1;
    const address = network === 'ipv4' ? `${byte()}.${byte()}.${byte()}.${byte()}:8333` : network === 'ipv6' ? `[2a0${id % 10}:${byte().toString(16)}:${byte().toString(16)}f::${byte().toString(16)}]:8333` : network === 'onion' ? `${word(56)}.onion:8333` : network === 'i2p' ? `${word(52)}.b32.i2p:0` : `[fc${byte().toString(16).padStart(2, '0')}:${byte().toString(16)}::${byte().toString(16)}]:8333`;
    const hostile = ['/Satoshi:28.1.0/\u202Etxt.exe\u0007', '<img src=x onerror=alert(1)>', '/' + 'A'.repeat(250) + '/'];
    const age = Math.exp(rnd() * 13) * 1000 * (inbound ? 0.5 : 2) + 8000;
    const rtt = (network === 'onion' || network === 'i2p' ? 280 : 20) + 140 * rnd();
    const bias = Math.exp(rnd() * 3);
    const message = (n: number, size: number): Count => ({ count: Math.floor(n * bias), bytes: Math.floor(n * bias * size) });
    const services = rnd() < 0.3 ? ['NETWORK', 'WITNESS', 'NETWORK_LIMITED'] : ['NETWORK', 'WITNESS', 'NETWORK_LIMITED', 'P2P_V2'];
    return {
      id: id * 3 + (id > 20 ? 100 : 0), address, network, inbound, rtt,
      lists: id % 13 === 7 ? (id % 2 ? ['cloud'] : ['cloud', 'known-spies']) : [],
      conn_type: inbound ? 'inbound' : id < 8 ? 'outbound-full-relay' : id < 10 ? 'block-relay-only' : 'manual',
      connected_utc_ms: id % 17 === 5 ? null : this.start - age, first_seen_utc_ms: this.start - Math.min(age, 86_400_000),
      last_in_utc_ms: this.start, last_out_utc_ms: this.start,
      messages: { in: { inv: message(900, 180), tx: message(300, 420), ping: message(20, 8), pong: message(20, 8), headers: message(3, 82) }, out: { inv: message(700, 240), getdata: message(280, 70), ping: message(20, 8), pong: message(20, 8) } },
      version: { version: 70016, services: services.length > 3 ? '0000000000000c09' : '0000000000000409', services_names: services, user_agent: id >= 30 && id < 33 ? hostile[id - 30]! : AGENTS[Math.floor(rnd() * rnd() * AGENTS.length)]!, start_height: this.height - Math.floor(rnd() * 40), relay: rnd() > 0.1, time_offset_s: Math.round(rnd() * 6 - 3) },
      handshake_done: true, addrv2: true, wtxid_relay: true, prefers_headers: true, compact_hb_to: id < 3, compact_hb_from: id % 29 === 4,
      ping: { answered: 12, last_ns: rtt * 1e6, min_ns: rtt * 0.8e6, waiting_since_utc_ms: null },
      fee_filter_sat_per_kvb: rnd() < 0.2 ? null : 100 + Math.floor(rnd() * 10) * 100,
      addr: { entries_in: 900 + Math.floor(rnd() * 2000), entries_out: Math.floor(rnd() * 1200), processed: Math.floor(rnd() * 900), rate_limited: rnd() < 0.1 ? Math.floor(rnd() * 900) : 0, bucket: rnd() * 100, exact: id % 17 !== 5 },
      height: this.height - (rnd() < 0.07 ? Math.floor(rnd() * 900) : 0),
      tx_inv_in: 4_120, tx_inv_out: 3_711, tx_requested_in: 211, tx_requested_out: 340, tx_in: 331, tx_out: 209, notfound_in: 3,
      misbehaving: id === 44 ? 2 : 0, last_misbehaviour: id === 44 ? 'headers message size = 2001' : '', undecodable: id === 44 ? 2 : 0, message_time_ns: Math.floor(2e9 + rnd() * 2e9), message_time_at_least_ns: Math.floor(rnd() * 2e9), closed_utc_ms: null, evicted: false,
    };
  }

  #past(): void {
    const { rnd, start } = this;
    const minute = Math.floor(start / 60_000) * 60_000;
    for (let i = 1440; i > 0; i--) {
      const wave = 1 + 0.35 * Math.sin(i / 229) + 0.25 * rnd() + (rnd() < 0.02 ? 1.2 : 0);
      this.minutes.push(this.#point(minute - i * 60_000, wave, 60));
    }
    const second = Math.floor(start / 1000) * 1000;
    for (let i = 120; i > 0; i--) this.seconds.push(this.#point(second - i * 1000, 0.6 + 0.8 * rnd(), 1));
    let at = start - 9 * 60_000;
    for (let i = 0; i < (this.peers.length ? 24 : 0); i++) {
      const journey = this.#journey(at, this.height - i, i === 5 ? 9 : i === 13 ? 4 : 1);
      this.blocks.push(journey);
      if (i === 0) ((this.tip = journey.hash), (this.tipAt = journey.connected_utc_ms ?? at));
      at -= 60_000 * (1 + 18 * rnd());
    }
    if (this.blocks[8]) this.blocks[8].gap = true;
  }
  #point(at: number, wave: number, seconds: number): HistoryPoint {
    const n = Math.floor(wave * seconds * Math.min(this.perSecond, 200) * 0.5);
    const share = [0.5, 0.28, 0.02, 0.03, 0.05, 0.07, 0, 0.03];
    return {
      utc_ms: at, messages: { in: { count: n, bytes: n * 190 }, out: { count: Math.floor(n * 0.9), bytes: Math.floor(n * 260 * (0.8 + 0.4 * this.rnd())) } },
      messages_in_by_kind: Object.fromEntries(KINDS.map((kind, k) => [kind, Math.floor(n * share[k]! * (0.8 + 0.4 * this.rnd()))])),
      peers_in: 114, peers_out: 11,
      mempool_added: Math.floor(wave * seconds * 4.6), mempool_removed: this.rnd() < 0.1 && seconds > 1 ? 2400 + Math.floor(this.rnd() * 1500) : Math.floor(wave * seconds * 0.2), mempool_rejected: Math.floor(wave * seconds * 0.5), mempool_replaced: Math.floor(wave * seconds * 0.3), blocks: 0, lost: 0,
    };
  }
  #journey(at: number, height: number, slow: number): Journey {
    const { rnd } = this;
    const some = () => this.peers[Math.floor(rnd() * this.peers.length)]!;
    const announcers = Array.from({ length: Math.min(this.peers.length, 14 + Math.floor(rnd() * 50)) }, some);
    let t = at;
    const announcements = announcers.map((peer, i) => ({ peer_id: peer.id, via: i < 3 ? 'cmpctblock' : rnd() < 0.9 ? 'headers' : 'inv', utc_ms: (t += i === 0 ? 0 : Math.exp(rnd() * 4.5)) }));
    const asks = rnd() < 0.45;
    const whole = rnd() < 0.12;
    const first = announcers[0]!;
    const requested = at + 2 + rnd() * 6;
    const delivered = whole ? requested + (180 + 600 * rnd()) * slow : asks ? requested + (30 + 160 * rnd()) * slow : at + 3 + 8 * rnd() * slow;
    const connectMs = (45 + 180 * rnd()) * (slow > 5 ? 14 : 1);
    const transactions = 2100 + Math.floor(rnd() * 2600);
    return {
      hash: this.#blockHash(), height, first_utc_ms: at, announcements, announcements_total: announcements.length + (rnd() < 0.3 ? 31 : 0),
      requests: whole ? [{ peer_id: first.id, via: 'block', utc_ms: requested }] : [],
      compact: whole ? [] : [{ peer_id: first.id, utc_ms: at, bytes: 14_000 + Math.floor(rnd() * 9000), short_ids: transactions - 1, prefilled: 1, requested: asks ? 1 + Math.floor(rnd() * 60) : 0, received_bytes: asks ? 21_044 : null, blocktxn_utc_ms: asks ? delivered : null }],
      delivered_peer: first.id, delivered_via: whole ? 'block' : 'cmpctblock', delivered_utc_ms: delivered, delivered_bytes: whole ? 1_612_331 : 38_102,
      connected_utc_ms: delivered + connectMs + 6, connect_ns: connectMs * 1e6, transactions, inputs: transactions * 3, sigops: transactions * 9, first_relay_utc_ms: delivered + 2 + rnd() * 5, relayed_peers: 80 + Math.floor(rnd() * 40), gap: false,
    };
  }

  #later(at: number, run: (at: number) => void): void {
    this.#due.push({ at, run });
  }
  message(at: number, peer: MockPeer, dir: 'in' | 'out', type: string, size: number, summary: string): void {
    const counts = (peer.messages[dir][type] ??= { count: 0, bytes: 0 });
    counts.count++;
    counts.bytes += size;
    this.totals[dir].count++;
    this.totals[dir].bytes += size;
    const by = ((this.messages.messages[dir]![peer.conn_type!] ??= {})[type] ??= { count: 0, bytes: 0 });
    by.count++;
    by.bytes += size;
    if (dir === 'in') {
      peer.last_in_utc_ms = at;
      const time = (this.messages.message_times[type] ??= { count: 0, total_ns: 0, max_ns: 0, total_at_least_ns: 0, idle: 0 });
      const ns = 20_000 + this.rnd() * 300_000 * (type === 'tx' ? 4 : 1);
      time.count++;
      time.total_ns += ns;
      time.total_at_least_ns += ns / 3;
      time.max_ns = Math.max(time.max_ns, ns);
    } else peer.last_out_utc_ms = at;
    const second = Math.floor(at / 1000) * 1000;
    if (this.#second?.utc_ms !== second) {
      if (this.#second) (this.seconds.push(this.#second), this.seconds.length > 120 && this.seconds.shift());
      this.#second = { ...this.#point(second, 0, 1), mempool_added: Math.floor(this.rnd() * 9), mempool_rejected: Math.floor(this.rnd() * 2) };
    }
    const point = this.#second!;
    const sum = point.messages![dir]!;
    sum.count++;
    sum.bytes += size;
    if (dir === 'in') point.messages_in_by_kind![KINDS[KIND_OF[type] ?? 7]!]!++;
    this.events++;
    this.emit({ seq: this.seq++, ts: new Date(at).toISOString(), mono_ns: Math.round((at - this.start + 4_544_087) * 1e6), event: `net:${dir}bound_message`, node: this.label, args: { peer_id: peer.id, addr: peer.address, conn_type: peer.conn_type, msg_type: type, size }, decoded: { summary } });
  }
  /** Everything up to `to`. */
  advance(from: number, to: number): void {
    const { rnd } = this;
    if (this.peers.length === 0) return;
    const exchanges = ((to - from) / 1000) * (this.perSecond / 2.6);
    const n = Math.floor(exchanges) + (rnd() < exchanges % 1 ? 1 : 0);
    for (let i = 0; i < n; i++) this.#later(from + ((to - from) * (i + rnd())) / n, (at) => this.#exchange(at));
    if (to > this.#nextBlock) {
      this.#nextBlock = to + 45_000;
      this.#later(to, (at) => this.#block(at));
    }
    for (;;) {
      this.#due.sort((a, b) => a.at - b.at);
      if (!this.#due[0] || this.#due[0].at > to) break;
      const due = this.#due.shift()!;
      due.run(due.at);
    }
  }
  #exchange(at: number): void {
    const { rnd } = this;
    const peer = this.peers[Math.floor(rnd() * rnd() * this.peers.length)]!;
    const r = rnd();
    const reply = () => at + peer.rtt * (0.7 + 0.6 * rnd());
    if (r < 0.07) {
      const nonce = this.#hash().slice(0, 16);
      const back = reply();
      this.message(at, peer, 'out', 'ping', 8, `nonce ${nonce}`);
      this.#later(back, (t) => {
        peer.ping!.last_ns = (t - at) * 1e6;
        peer.ping!.answered!++;
        this.message(t, peer, 'in', 'pong', 8, `nonce ${nonce}`);
      });
    } else if (r < 0.1) {
      const nonce = this.#hash().slice(0, 16);
      this.message(at, peer, 'in', 'ping', 8, `nonce ${nonce}`);
      this.#later(at + 0.4 + rnd(), (t) => this.message(t, peer, 'out', 'pong', 8, `nonce ${nonce}`));
    } else if (r < 0.5) {
      const size = 1 + Math.floor(rnd() * 6);
      const hash = this.#hash();
      const ends = `${hash.slice(0, 6)}…${hash.slice(-6)}`;
      this.message(at, peer, 'in', 'inv', 1 + 36 * size, size === 1 ? `1 wtx ${ends}` : `${size} wtx`);
      if (rnd() < 0.5) {
        this.#later(at + 1 + rnd() * 3, (asked) => {
          this.message(asked, peer, 'out', 'getdata', 37, `1 witness_tx ${ends}`);
          this.#later(asked + peer.rtt, (t) => this.message(t, peer, 'in', 'tx', 200 + Math.floor(rnd() * 900), `${ends} 1 in 2 out ${Math.floor(rnd() * 9e7).toLocaleString('en')} sat 142 vB`));
        });
      }
      this.mempool.added!.count++;
    } else if (r < 0.93) {
      const size = 1 + Math.floor(rnd() * 30);
      this.message(at, peer, 'out', 'inv', 1 + 36 * size, `${size} wtx`);
      if (rnd() < 0.2) {
        this.#later(reply(), (asked) => {
          this.message(asked, peer, 'in', 'getdata', 37, `1 witness_tx 3fdabe…0a2a02`);
          this.#later(asked + 0.5, (t) => this.message(t, peer, 'out', 'tx', 410, `3fdabe…0a2a02 2 in 2 out 412,004 sat 210 vB`));
        });
      }
    } else if (r < 0.96) this.message(at, peer, rnd() < 0.5 ? 'in' : 'out', 'addrv2', 30 + Math.floor(rnd() * 200), '3 (2 ipv4, 1 onion)');
    else if (r < 0.98) {
      this.message(at, peer, 'out', 'getheaders', 997, 'from 953aeb…320dd7, 31 hashes');
      this.#later(reply(), (t) => this.message(t, peer, 'in', 'headers', 82, '1 header 40c10a…0905d4'));
    } else this.message(at, peer, 'in', 'feefilter', 8, '1,000 sat/kvB');
    this.utxo.added += Math.floor(rnd() * 3);
    this.utxo.spent += Math.floor(rnd() * 3);
  }
  #block(at: number): void {
    this.height++;
    const journey = this.#journey(at, this.height, this.height % 5 === 0 ? 6 : 1);
    const ends = `${journey.hash.slice(0, 6)}…${journey.hash.slice(-6)}`;
    for (const said of journey.announcements!) {
      const peer = this.peers.find((one) => one.id === said.peer_id)!;
      this.#later(said.utc_ms, (t) => this.message(t, peer, 'in', said.via, said.via === 'cmpctblock' ? 15_000 : 82, said.via === 'cmpctblock' ? `${ends} 2,811 short ids, 1 prefilled` : `1 header ${ends}`));
    }
    const compact = journey.compact![0];
    const first = this.peers.find((one) => one.id === journey.delivered_peer)!;
    if (compact?.requested) {
      this.#later(at + 3, (t) => this.message(t, first, 'out', 'getblocktxn', 90, `${ends} ${compact.requested} tx`));
      this.#later(journey.delivered_utc_ms!, (t) => this.message(t, first, 'in', 'blocktxn', compact.received_bytes!, `${ends} ${compact.requested} tx`));
    }
    this.#later(journey.connected_utc_ms!, (t) => {
      this.blocks.unshift(journey);
      this.tip = journey.hash;
      this.tipAt = t;
      for (const peer of this.peers) if (this.rnd() < 0.95) peer.height = this.height;
    });
  }

  peerRow(peer: MockPeer): Peer {
    const { messages, rtt: _rtt, ...rest } = peer;
    const sum = (by: Record<string, Count>, what: 'count' | 'bytes') => Object.values(by).reduce((total, one) => total + one[what], 0);
    return { ...rest, messages_in: sum(messages.in, 'count'), messages_out: sum(messages.out, 'count'), bytes_in: sum(messages.in, 'bytes'), bytes_out: sum(messages.out, 'bytes') };
  }
  overview(): NodeOverview {
    return {
      label: this.label, pid: 27_770, executable: '/usr/local/bin/bitcoind', build_id: '8f3a0c1be7d24c19', datadir: '/var/lib/bitcoind', chain: 'main',
      started_at_s: Math.floor(this.start / 1000) - 803_211, starts: 1, running: true,
      peers_in: this.peers.filter((peer) => peer.inbound).length, peers_out: this.peers.filter((peer) => !peer.inbound).length,
      height: this.height, chain_totals: { height: this.height, tip: this.tip, tip_utc_ms: this.tipAt || null }, messages: this.totals, mempool: this.mempool,
    };
  }
}
