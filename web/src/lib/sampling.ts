// How many messages are drawn of those that there were: a budget, and the honest ratio. Pure; the caller has the clock.

const WINDOW_MS = 3000;
const BUCKET_MS = 250;

interface Bucket {
  at: number;
  seen: number;
  drawn: number;
}

export class Sampler {
  #buckets: Bucket[] = [];
  #carry = 0;
  #tokens: number;
  #at = NaN;

  /** At most `perSecond` a second are drawn. */
  constructor(readonly perSecond: number) {
    this.#tokens = perSecond / 2;
  }

  #bucket(now: number): Bucket {
    const at = Math.floor(now / BUCKET_MS) * BUCKET_MS;
    let last = this.#buckets.at(-1);
    if (last?.at !== at) {
      last = { at, seen: 0, drawn: 0 };
      this.#buckets.push(last);
      while (this.#buckets[0]!.at < now - WINDOW_MS) this.#buckets.shift();
    }
    return last;
  }

  /** Events that somebody before us left out: the daemon, at our request. */
  leftOut(n: number, now: number): void {
    this.#bucket(now).seen += n;
  }

  /** Some of those that were to be drawn could not be, after all. */
  undrawn(n: number, now: number): void {
    this.#bucket(now).drawn -= n;
  }

  /** Of a batch of `n` events, which to draw: evenly spread indexes. Batches may come late, or two at once. */
  take(n: number, now: number): number[] {
    const bucket = this.#bucket(now);
    bucket.seen += n;
    const earned = Number.isNaN(this.#at) ? 0 : ((now - this.#at) * this.perSecond) / 1000;
    this.#tokens = Math.min(this.perSecond / 2, this.#tokens + earned);
    this.#at = now;
    const share = n <= this.#tokens ? 1 : this.#tokens / n;
    const out: number[] = [];
    for (let i = 0; i < n; i++) {
      this.#carry += share;
      if (this.#carry < 1) continue;
      this.#carry = share === 1 ? 0 : this.#carry - 1;
      out.push(i);
    }
    bucket.drawn += out.length;
    this.#tokens = Math.max(0, this.#tokens - out.length);
    return out;
  }

  /** Of what there was, how much is shown: 0 to 1. */
  get share(): number {
    let seen = 0;
    let drawn = 0;
    for (const bucket of this.#buckets) {
      seen += bucket.seen;
      drawn += bucket.drawn;
    }
    return seen === 0 ? 1 : Math.min(1, drawn / seen);
  }
  /** In words. Rounded so that it never claims to show more than it does. */
  get words(): string {
    const { share } = this;
    if (share >= 0.999) return 'Showing every message';
    return share > 0.6 ? `Showing ${Math.floor(share * 100)} % of messages` : `Showing 1 in ${share > 0 ? Math.ceil(0.999 / share).toString() : 'many'}`;
  }
  /** Messages a second, drawn or not. */
  rate(now: number): number {
    let seen = 0;
    let from = now;
    for (const bucket of this.#buckets) {
      seen += bucket.seen;
      from = Math.min(from, bucket.at);
    }
    return seen === 0 ? 0 : (1000 * seen) / Math.max(now - from, BUCKET_MS);
  }
}
