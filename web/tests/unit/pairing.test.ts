import { describe, expect, test } from 'vitest';
import { entriesOf, keyOf, Pairing, toMessage, type Message } from '../../src/lib/pairing';

let seq = 0;
const message = (dir: 'in' | 'out', type: string, ms: number, summary = ''): Message => ({ seq: ++seq, utcMs: ms, monoNs: ms * 1e6, dir, type, size: 8, summary });

describe('pairs', () => {
  test('ping and pong by nonce, out of order', () => {
    const pairing = new Pairing();
    const first = message('out', 'ping', 0, 'nonce aa');
    const second = message('out', 'ping', 10, 'nonce bb');
    pairing.push(first);
    pairing.push(second);
    expect(pairing.push(message('in', 'pong', 50, 'nonce bb'))).toMatchObject({ request: second.seq, delayMs: 40, exact: true });
    expect(pairing.push(message('in', 'pong', 70, 'nonce aa'))).toMatchObject({ request: first.seq, delayMs: 70, exact: true });
  });
  test('a pong with a nonce that nobody sent answers nothing, nor does one of our own direction', () => {
    const pairing = new Pairing();
    pairing.push(message('out', 'ping', 0, 'nonce aa'));
    expect(pairing.push(message('in', 'pong', 5, 'nonce cc'))).toBeUndefined();
    expect(pairing.push(message('out', 'pong', 6, 'nonce aa'))).toBeUndefined();
  });
  test('getdata of one tx by hash, past another', () => {
    const pairing = new Pairing();
    pairing.push(message('out', 'getdata', 0, '1 witness_tx aaaaaa…bbbbbb'));
    const asked = message('out', 'getdata', 1, '1 witness_tx cccccc…dddddd');
    pairing.push(asked);
    expect(pairing.push(message('in', 'tx', 30, 'cccccc…dddddd 1 in 2 out'))).toMatchObject({ request: asked.seq, exact: true });
  });
  test('getdata of three: the first answer tells the time, the fourth tx answers something else', () => {
    const pairing = new Pairing();
    const asked = message('out', 'getdata', 0, '3 witness_tx');
    pairing.push(asked);
    expect(pairing.push(message('in', 'tx', 20))).toMatchObject({ request: asked.seq, delayMs: 20, exact: false });
    expect(pairing.push(message('in', 'tx', 21))).toBeUndefined();
    expect(pairing.push(message('in', 'notfound', 22, '1 witness_tx'))).toBeUndefined();
    const next = message('out', 'getdata', 30, '1 witness_tx');
    pairing.push(next);
    expect(pairing.push(message('in', 'tx', 44))).toMatchObject({ request: next.seq, delayMs: 14 });
  });
  test('a block does not answer a request for transactions', () => {
    const pairing = new Pairing();
    pairing.push(message('out', 'getdata', 0, '2 witness_tx'));
    const asked = message('out', 'getdata', 1, '1 witness_block 000000…ffffff');
    pairing.push(asked);
    expect(pairing.push(message('in', 'block', 90, '44195b…356e2b 16 tx'))).toBeUndefined();
    expect(pairing.push(message('in', 'block', 95, '000000…ffffff 16 tx'))).toMatchObject({ request: asked.seq, exact: true });
  });
  test('getblocktxn by block; headers by order', () => {
    const pairing = new Pairing();
    const asked = message('out', 'getblocktxn', 0, '953aeb…320dd7 4 tx');
    pairing.push(asked);
    const locator = message('out', 'getheaders', 1, 'from 953aeb…320dd7, 31 hashes');
    pairing.push(locator);
    expect(pairing.push(message('in', 'headers', 60, '1 header 40c10a…0905d4'))).toMatchObject({ request: locator.seq, delayMs: 59, exact: false });
    expect(pairing.push(message('in', 'blocktxn', 80, '953aeb…320dd7 4 tx'))).toMatchObject({ request: asked.seq, delayMs: 80, exact: true });
  });
  test('requests of the peer, answered by us', () => {
    const pairing = new Pairing();
    const asked = message('in', 'ping', 0, 'nonce ab');
    pairing.push(asked);
    expect(pairing.push(message('out', 'pong', 0.4, 'nonce ab'))?.delayMs).toBeCloseTo(0.4);
  });
  test('what was asked too long ago is not answered any more', () => {
    const pairing = new Pairing();
    pairing.push(message('out', 'getdata', 0, '1 tx'));
    expect(pairing.push(message('in', 'tx', 61_000))).toBeUndefined();
  });
  test('unknown types, and names of Object, are nothing special', () => {
    const pairing = new Pairing();
    expect(pairing.push(message('in', 'constructor', 0))).toBeUndefined();
    expect(pairing.push(message('in', '__proto__', 0))).toBeUndefined();
  });
});

test('phrases', () => {
  expect(keyOf('getdata', '4 (3 wtx, 1 tx)')).toBe('');
  expect(keyOf('getdata', '1 witness_tx 3fdabe…0a2a02')).toBe('3fdabe…0a2a02');
  expect(keyOf('getdata', '12 witness_tx 3fdabe…0a2a02')).toBe('');
  expect([entriesOf('4 (3 wtx, 1 tx)'), entriesOf('1,203 wtx'), entriesOf('')]).toEqual([4, 1203, 1]);
});
test('events', () => {
  const event = { seq: 7, ts: '2026-11-22T10:16:00.631703536Z', mono_ns: 5, event: 'net:inbound_message', args: { msg_type: 'in\u202Ev', size: 37, peer_id: 3 }, decoded: { summary: '1 wtx\u0007' } };
  expect(toMessage(event)).toMatchObject({ seq: 7, dir: 'in', type: 'in\\u202ev', size: 37, summary: '1 wtx\\x07' });
  expect(toMessage({ ...event, event: 'mempool:added' })).toBeUndefined();
});
