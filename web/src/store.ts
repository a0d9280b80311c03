// What the page knows: the last snapshot, rates from one to the next, the history of the last day.
import { type ApiError, get, type History, type HistoryPoint, type Journey, type NodeOverview, type Peer, type RpcNode, type Snapshot } from './api';
import type { Status } from './lib/reconnect';

export interface Rate {
  in: number;
  out: number;
}
const MAX_SECONDS = 120;
const MAX_MINUTES = 1440;

interface Sample {
  utcMs: number;
  in: number;
  out: number;
}

/** Bytes a second of every peer over the last few snapshots: a single second is mostly noise. */
export class Rates {
  #samples = new Map<number, Sample[]>();
  #rates = new Map<number, Rate>();

  push(utcMs: number, peers: readonly Peer[]): void {
    const next = new Map<number, Sample[]>();
    const rates = new Map<number, Rate>();
    for (const peer of peers) {
      const sample = { utcMs, in: peer.bytes_in ?? 0, out: peer.bytes_out ?? 0 };
      let samples = this.#samples.get(peer.id) ?? [];
      // Back in time, or fewer bytes than before: another recording, another life of the node.
      const last = samples.at(-1);
      if (last && (last.utcMs > utcMs || last.in > sample.in || last.out > sample.out)) samples = [];
      if (last?.utcMs !== utcMs) samples = [...samples.slice(-4), sample];
      next.set(peer.id, samples);
      const first = samples[0]!;
      const seconds = (sample.utcMs - first.utcMs) / 1000;
      if (seconds > 0) rates.set(peer.id, { in: (sample.in - first.in) / seconds, out: (sample.out - first.out) / seconds });
    }
    this.#samples = next;
    this.#rates = rates;
  }
  of(id: number): Rate | undefined {
    return this.#rates.get(id);
  }
  total(): Rate | undefined {
    if (this.#rates.size === 0) return undefined;
    const sum = { in: 0, out: 0 };
    for (const rate of this.#rates.values()) {
      sum.in += rate.in;
      sum.out += rate.out;
    }
    return sum;
  }
  clear(): void {
    this.#samples.clear();
    this.#rates.clear();
  }
}

/** Puts new points behind or over old ones, by time; keeps the newest `limit`. */
export function merge(old: HistoryPoint[], fresh: HistoryPoint[], limit: number): HistoryPoint[] {
  const from = fresh[0]?.utc_ms;
  if (from === undefined) return old;
  return [...old.filter((point) => point.utc_ms < from), ...fresh].slice(-limit);
}

export class Store {
  snapshot: Snapshot | undefined;
  node: string | undefined;
  status: Status = { phase: 'connecting', attempts: 0, retryAt: 0, everOpen: false, reason: '' };
  /** Of every peer. */
  readonly rates = new Rates();
  readonly #nodeRates = new Rates();
  history: { seconds: HistoryPoint[]; minutes: HistoryPoint[]; error: string; loaded: boolean } = { seconds: [], minutes: [], error: '', loaded: false };
  error = '';
  #receivedAt = 0;
  /** Somebody chose the node, or it ran when it was chosen for them: the page stays with it. */
  #settled = false;

  /** The daemon's "now": runs on between snapshots, stands still while disconnected or replaying. */
  now(): number {
    if (!this.snapshot) return Date.now();
    if (this.snapshot.replay || this.status.phase !== 'open') return this.snapshot.utc_ms;
    return this.snapshot.utc_ms + (performance.now() - this.#receivedAt);
  }
  /** The node that is looked at: the chosen one, else the first that runs, else the first. */
  current(): NodeOverview | undefined {
    return this.snapshot?.nodes.find((node) => node.label === this.node);
  }
  #settle(nodes: readonly NodeOverview[]): void {
    if (this.#settled && nodes.some((node) => node.label === this.node)) return;
    const running = nodes.find((node) => node.running !== false);
    this.#look((running ?? nodes[0])?.label);
    this.#settled = running !== undefined;
  }
  #look(label: string | undefined): void {
    if (label === this.node) return;
    this.node = label;
    this.rates.clear();
    this.#nodeRates.clear();
    this.history = { seconds: [], minutes: [], error: '', loaded: false };
  }
  /** What the node says by RPC, where it is asked. */
  rpc(): RpcNode | undefined {
    return this.snapshot?.rpc?.nodes?.[this.node ?? ''];
  }
  /** As a query parameter; nothing to say where there is one node only. */
  nodeParam(): string | undefined {
    return (this.snapshot?.nodes.length ?? 0) > 1 ? this.current()?.label : undefined;
  }
  #mine<T extends { node?: string }>(list: T[] | undefined): T[] {
    const label = this.current()?.label;
    return (list ?? []).filter((item) => item.node === undefined || item.node === label);
  }
  peers(): Peer[] {
    return this.#mine(this.snapshot?.peers);
  }
  blocks(): Journey[] {
    return this.#mine(this.snapshot?.blocks);
  }
  take(snapshot: Snapshot): void {
    if (this.snapshot?.replay?.moves !== snapshot.replay?.moves) this.forget();
    this.snapshot = { ...snapshot, nodes: snapshot.nodes ?? [], peers: snapshot.peers ?? this.snapshot?.peers, blocks: snapshot.blocks ?? this.snapshot?.blocks };
    this.#receivedAt = performance.now();
    this.#settle(this.snapshot.nodes);
    this.rates.push(snapshot.utc_ms, this.peers());
    const { messages } = this.current() ?? {};
    const whole = messages ? [{ id: 0, address: '', bytes_in: messages.in?.bytes, bytes_out: messages.out?.bytes }] : [];
    this.#nodeRates.push(snapshot.utc_ms, whole);
  }
  /** Of the node: peers that left count too, where the daemon tells totals. */
  traffic(): Rate | undefined {
    return this.#nodeRates.of(0) ?? this.rates.total();
  }
  /** The time was moved: what was gathered is of another. */
  forget(): void {
    this.#epoch++;
    this.rates.clear();
    this.#nodeRates.clear();
    this.history = { seconds: [], minutes: [], error: '', loaded: false };
  }
  choose(label: string): void {
    this.#settled = true;
    this.#look(label);
  }

  /** What to say where there is nothing to draw yet. */
  historyNote(): string {
    return this.history.error || (this.history.loaded ? 'The first seconds show here in a moment.' : 'Loading…');
  }
  #epoch = 0;
  #whole = false;
  #wholeAt = -Infinity;
  async loadHistory(): Promise<void> {
    const asked = this.node;
    const epoch = this.#epoch;
    // A day is much to send every two seconds, to a daemon that cannot send less.
    if (this.#whole && this.history.loaded && performance.now() - this.#wholeAt < 10_000) return;
    // From the last whole second on: that one may not have been whole when it was asked for.
    const since = this.#whole ? undefined : this.history.seconds.at(-1)?.utc_ms;
    try {
      const fresh = await get<History>('history', { node: this.nodeParam(), since_utc_ms: since === undefined ? undefined : String(since - 61_000) });
      if (asked !== this.node || epoch !== this.#epoch) return;
      if (since === undefined) this.#wholeAt = performance.now();
      this.history = {
        seconds: merge(this.history.seconds, fresh.seconds ?? [], MAX_SECONDS),
        minutes: merge(this.history.minutes, fresh.minutes ?? [], MAX_MINUTES),
        error: '',
        loaded: true,
      };
    } catch (error) {
      if (since !== undefined && (error as ApiError).status === 400) this.#whole = true;
      else this.history = { ...this.history, error: (error as Error).message };
    }
  }
}
