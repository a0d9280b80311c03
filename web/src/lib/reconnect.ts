// When to connect again: a state machine without sockets or clocks, so that it can be tested to the end.

export type Phase = 'connecting' | 'open' | 'waiting';
export interface Status {
  phase: Phase;
  /** Failed attempts in a row. */
  attempts: number;
  /** When the next attempt is due, in the caller's clock; only while waiting. */
  retryAt: number;
  /** Whether anything ever came: tells "cannot reach" from "lost". */
  everOpen: boolean;
  reason: string;
}

const FIRST_MS = 500;
const MAX_MS = 15_000;
/** A connection that held this long was a good one: the next loss starts from the beginning. */
const STABLE_MS = 10_000;
/** The daemon sends a snapshot every second; without one for so long the connection is dead, whatever TCP thinks. */
export const STALL_MS = 8_000;
const CONNECT_MS = 10_000;

export class Reconnect {
  status: Status = { phase: 'connecting', attempts: 0, retryAt: 0, everOpen: false, reason: '' };
  #openedAt = 0;
  #heardAt = 0;

  /** `random` in [0, 1): a thousand pages do not come back in the same millisecond. */
  constructor(readonly random: () => number = Math.random) {}

  connecting(now: number): void {
    this.#heardAt = now;
    this.status = { ...this.status, phase: 'connecting', retryAt: 0 };
  }
  /** The first frame came: an open socket alone proves nothing. */
  heard(now: number): void {
    this.#heardAt = now;
    if (this.status.phase === 'open') {
      if (this.status.attempts > 0 && now - this.#openedAt >= STABLE_MS) this.status = { ...this.status, attempts: 0 };
      return;
    }
    this.#openedAt = now;
    this.status = { phase: 'open', attempts: this.status.attempts, retryAt: 0, everOpen: true, reason: '' };
  }
  closed(now: number, reason: string): void {
    if (this.status.phase === 'waiting') return;
    const stable = this.status.phase === 'open' && now - this.#openedAt >= STABLE_MS;
    const attempts = stable ? 1 : this.status.attempts + 1;
    const ceiling = Math.min(MAX_MS, FIRST_MS * 2 ** (attempts - 1));
    const retryAt = now + ceiling / 2 + (ceiling / 2) * this.random();
    this.status = { ...this.status, phase: 'waiting', attempts, retryAt, reason };
  }
  /** What to do now: nothing, connect, or give this connection up. */
  due(now: number): 'nothing' | 'connect' | 'abandon' {
    const { phase, retryAt } = this.status;
    if (phase === 'waiting') return now >= retryAt ? 'connect' : 'nothing';
    return now - this.#heardAt > (phase === 'open' ? STALL_MS : CONNECT_MS) ? 'abandon' : 'nothing';
  }
  /** The person, or the network, says that now is a good moment. */
  hurry(now: number): void {
    if (this.status.phase === 'waiting') this.status = { ...this.status, retryAt: now };
  }
}
