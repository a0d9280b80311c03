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

  /** At most `perSecond` a second are drawn. */
  constructor(readonly perSecond: number) {}

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

  /** Of a batch of `n` events, which to draw: evenly spread indexes. `span` is the time the batch stands for. */
  take(n: number, now: number, spanMs: number): number[] {
    const bucket = this.#bucket(now);
    bucket.seen += n;
    const budget = (this.perSecond * Math.max(spanMs, 1)) / 1000;
    const share = n <= budget ? 1 : budget / n;
    const out: number[] = [];
    for (let i = 0; i < n; i++) {
      this.#carry += share;
      if (this.#carry < 1) continue;
      this.#carry = share === 1 ? 0 : this.#carry - 1;
      out.push(i);
    }
    bucket.drawn += out.length;
    return out;
  }

  /** 1: all are shown. N: one in N. Rounded up: never claims to show more than it does. */
  get oneIn(): number {
    let seen = 0;
    let drawn = 0;
    for (const bucket of this.#buckets) {
      seen += bucket.seen;
      drawn += bucket.drawn;
    }
    if (seen === 0 || seen <= drawn) return 1;
    return drawn === 0 ? seen : Math.ceil((seen / drawn) * 0.999);
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
