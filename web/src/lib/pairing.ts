// Which message answers which, in one peer's conversation. Pure: messages in, pairs out.
//
// By what names the exchange where the daemon tells it (a ping's nonce, a block's hash), else by order: the protocol answers
// requests of one kind in the order they were made. A pair found by order is marked so (`exact: false`).
import type { Dir, TapEvent } from '../api';
import { safe } from './format';

export interface Message {
  seq: number;
  utcMs: number;
  monoNs: number;
  dir: Dir;
  type: string;
  size: number;
  summary: string;
}
export interface Pair {
  request: number; // seq
  reply: number; // seq
  delayMs: number;
  exact: boolean;
}

/** Requests, and what answers them. A getdata is answered by as many messages as it has entries, or by notfound. */
const ANSWERS: Record<string, readonly string[]> = {
  ping: ['pong'],
  getheaders: ['headers'],
  getblocks: ['inv'],
  getblocktxn: ['blocktxn', 'block'],
  getdata: ['tx', 'block', 'cmpctblock', 'merkleblock', 'notfound'],
  getaddr: ['addr', 'addrv2'],
  version: ['verack'],
  getcfilters: ['cfilter'],
  getcfheaders: ['cfheaders'],
  getcfcheckpt: ['cfcheckpt'],
  mempool: ['inv'],
};
const REQUESTS_OF: Record<string, string[]> = {};
for (const [request, answers] of Object.entries(ANSWERS)) for (const answer of answers) (REQUESTS_OF[answer] ??= []).push(request);

/** Longer ago than this, and the request was not answered: what comes is about something else. */
const TIMEOUT_MS: Record<string, number> = { ping: 20 * 60_000, getdata: 60_000 };
const DEFAULT_TIMEOUT_MS = 120_000;
const MAX_OPEN = 512;

export function toMessage(event: TapEvent): Message | undefined {
  const inbound = event.event === 'net:inbound_message';
  if (!inbound && event.event !== 'net:outbound_message') return undefined;
  return {
    seq: event.seq,
    utcMs: Date.parse(event.ts),
    monoNs: event.mono_ns ?? NaN,
    dir: inbound ? 'in' : 'out',
    type: safe(String(event.args.msg_type ?? '?'), 24),
    size: Number(event.args.size ?? 0),
    summary: safe(event.decoded?.summary ?? '', 160),
  };
}

interface Open {
  message: Message;
  left: number;
  /** What it asks for, by the first word: tx, block; empty where any answer will do. */
  wants: string;
  key: string;
}

/** The name of the exchange in a message's phrase: a nonce, or the ends of a hash. Empty: none there. */
export function keyOf(type: string, summary: string): string {
  if (type === 'ping' || type === 'pong') return /^nonce ([0-9a-f]+)/.exec(summary)?.[1] ?? '';
  if (type === 'getdata' && !/^1\D/.test(summary)) return ''; // of many entries the phrase names none
  return /[0-9a-f]{6}…[0-9a-f]{6}/.exec(summary)?.[0] ?? '';
}

/** How many entries a getdata has, by its phrase: "4 (3 wtx, 1 tx)", "1 wtx 3fdabe…2a02". */
export function entriesOf(summary: string): number {
  const number = /^([\d,]+)/.exec(summary)?.[1];
  return number ? Math.max(1, Number(number.replaceAll(',', ''))) : 1;
}
const wantsOf = (summary: string): string => (/block/.test(summary) ? 'block' : /tx/.test(summary) ? 'tx' : '');
const kindOf = (type: string): string => (type === 'tx' ? 'tx' : type === 'notfound' ? '' : 'block');

export class Pairing {
  #open: Record<string, Open[]> = {};

  /** Takes the next message; gives the pair that it completes, if it answers something. */
  push(message: Message): Pair | undefined {
    const pair = this.#answer(message);
    if (Object.hasOwn(ANSWERS, message.type) && !(pair && message.type === 'inv')) this.#ask(message);
    return pair;
  }

  #ask(message: Message): void {
    const queue = (this.#open[`${message.dir} ${message.type}`] ??= []);
    const data = message.type === 'getdata';
    queue.push({
      message,
      left: data ? entriesOf(message.summary) : 1,
      wants: data ? wantsOf(message.summary) : '',
      key: keyOf(message.type, message.summary),
    });
    if (queue.length > MAX_OPEN) queue.shift();
  }

  #answer(message: Message): Pair | undefined {
    const asked: Dir = message.dir === 'in' ? 'out' : 'in';
    const requests = Object.hasOwn(REQUESTS_OF, message.type) ? REQUESTS_OF[message.type]! : [];
    const key = keyOf(message.type, message.summary);
    for (const type of requests) {
      const queue = this.#open[`${asked} ${type}`];
      if (!queue) continue;
      const oldest = message.utcMs - (TIMEOUT_MS[type] ?? DEFAULT_TIMEOUT_MS);
      while (queue[0] && queue[0].message.utcMs < oldest) queue.shift();
      const at = this.#find(queue, type, message, key);
      if (at < 0) continue;
      const open = queue[at]!;
      const first = open.left === entriesOf(open.message.summary) || type !== 'getdata';
      open.left -= message.type === 'notfound' ? entriesOf(message.summary) : 1;
      if (open.left <= 0) queue.splice(at, 1);
      // Of many answers to one request the first tells the reply time.
      if (!first) return undefined;
      const delayNs = message.monoNs - open.message.monoNs;
      return {
        request: open.message.seq,
        reply: message.seq,
        delayMs: Number.isFinite(delayNs) ? delayNs / 1e6 : message.utcMs - open.message.utcMs,
        exact: key !== '' && key === open.key,
      };
    }
    return undefined;
  }

  #find(queue: Open[], type: string, message: Message, key: string): number {
    if (key !== '') {
      const at = queue.findIndex((open) => open.key === key);
      if (at >= 0) return at;
      // Both sides are named and differ: a pong with a nonce nobody sent answers nothing.
      if (type === 'ping' || type === 'getblocktxn') return queue.findIndex((open) => open.key === '');
    }
    return queue.findIndex(
      (open) => (open.key === '' || key === '' || type === 'getheaders') && (open.wants === '' || kindOf(message.type) === '' || open.wants === kindOf(message.type)),
    );
  }
}
