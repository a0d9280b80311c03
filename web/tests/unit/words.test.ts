// What the page says in words: history's spans, whether the node is well, what happens, why peers left.
import { describe, expect, test } from 'vitest';
import type { Hist, HistoryPoint, NodeOverview, Peer, Snapshot, TapEvent } from '../../src/api';
import { agesOf } from '../../src/lib/ages';
import { fromSnapshot, toHappening } from '../../src/lib/happening';
import { health } from '../../src/lib/health';
import { coveredBy, rates, stepsOf, totalOf } from '../../src/lib/history';
import { CLOSED_COLUMNS, closedWhy, sortRows } from '../../src/lib/peer_table';
import { Store } from '../../src/store';
import { ranked } from '../../src/lib/ranked';

const T = 1_795_665_600_000; // a whole minute
const second = (i: number, added = 1): HistoryPoint => ({ utc_ms: T + i * 1000, mempool_added: added, messages: { in: { count: 1, bytes: 100 } } });
const minute = (i: number, added = 60): HistoryPoint => ({ utc_ms: T + i * 60_000, mempool_added: added });
const seconds = (n: number, from = 0): HistoryPoint[] => Array.from({ length: n }, (_, i) => second(from + i));

describe('steps of the history', () => {
  test('the first seconds are drawn as seconds, whatever was asked for', () => {
    for (const range of ['2m', '1h', '24h'] as const) {
      const steps = stepsOf({ seconds: seconds(7), minutes: [] }, range);
      expect(steps).toHaveLength(7);
      expect(rates(steps, (point) => point.mempool_added)).toEqual(new Array(7).fill(1));
      expect(coveredBy(steps)).toBe('the last 7 s');
    }
  });
  test('then as tens, and a ten that is not whole waits', () => {
    const steps = stepsOf({ seconds: seconds(47, 3), minutes: [] }, '1h'); // 3 to 49: the tens from 10 to 49
    expect(steps.map(({ point, seconds }) => [(point.utc_ms - T) / 1000, seconds])).toEqual([[10, 10], [20, 10], [30, 10], [40, 10]]);
    expect(rates(steps, (point) => point.mempool_added)).toEqual([1, 1, 1, 1]);
    expect(rates(steps, (point) => point.messages?.in?.bytes)).toEqual([100, 100, 100, 100]);
  });
  test('minutes before the seconds stay, none is counted twice', () => {
    const steps = stepsOf({ seconds: seconds(120, 100), minutes: [minute(0), minute(1), minute(2)] }, '1h');
    // minute 0 ends before the tens, which begin at 100; minute 1 and 2 would overlap them
    expect(steps[0]).toEqual({ point: minute(0), seconds: 60 });
    expect(steps).toHaveLength(1 + 12);
    expect(totalOf(steps, (point) => point.mempool_added)).toBe(60 + 120);
  });
  test('with five minutes the minutes are the chart', () => {
    const minutes = Array.from({ length: 90 }, (_, i) => minute(i));
    expect(stepsOf({ seconds: seconds(120), minutes: minutes.slice(0, 5) }, '1h')).toHaveLength(5);
    const hour = stepsOf({ seconds: seconds(120), minutes }, '1h');
    expect(hour).toHaveLength(60);
    expect(coveredBy(hour)).toBe('the last hour');
    expect(rates(hour, (point) => point.mempool_added)[0]).toBe(1);
    expect(coveredBy(stepsOf({ seconds: [], minutes }, '24h'))).toBe('the last 1 h 30 min');
  });
  test('nothing is nothing', () => {
    expect(stepsOf({ seconds: [], minutes: [] }, '1h')).toEqual([]);
    expect(coveredBy([])).toBe('');
  });
});

describe('is the node well?', () => {
  const node: NodeOverview = { label: 'main', executable: '/bin/bitcoind', running: true, peers_in: 8, peers_out: 10, chain_totals: { tip_utc_ms: T, blocks: 3 } };
  const snapshot = (more: Partial<Snapshot> = {}): Snapshot => ({ utc_ms: T, nodes: [node], losses: { total: 0 }, ...more });
  test('well', () => {
    expect(health(snapshot(), node, T + 60_000, 0)).toEqual({ tone: 'ok', title: 'All is well', words: 'Peers are connected, blocks arrive. No event was lost.' });
    expect(health(snapshot({ losses: { total: 5 } }), node, T, 0).words).toContain('Some events were lost earlier.');
    expect(health(snapshot(), { ...node, peers_in: 0, peers_out: 1, chain_totals: {} }, T, 0).words).toContain('no block came yet');
  });
  test('the gravest decides, and each has its words', () => {
    const ended = health(snapshot(), { ...node, running: false, peers_in: 0, peers_out: 0 }, T, 12);
    expect(ended.tone).toBe('bad');
    expect(ended.words).toMatch(/has ended.*12 events were lost/);
    expect(health(snapshot(), node, T + 71 * 60_000, 0)).toMatchObject({ tone: 'warn', words: 'No block for 1 h 11 min.' });
    expect(health(snapshot(), { ...node, peers_out: 0 }, T, 0).words).toContain('no outbound peer');
    expect(health(snapshot(), { ...node, peers_in: 0, peers_out: 0 }, T, 0).words).toBe('Nobody is connected.');
    const rpc = { nodes: { main: { state: 'ok', blockchain: { warnings: ['unknown new rules'] }, network: { warnings: ['unknown new rules'], networkactive: false } } } };
    expect(health(snapshot({ rpc }), node, T, 0).words).toBe('The node warns: unknown new rules Its network is switched off.');
    const self = { attachments: [{ path: '/bin/bitcoind', problems: ['net:inbound_message: no such operand'] }, { path: '/bin/other', problems: ['x'] }] };
    expect(health(snapshot({ self }), node, T, 0).words).toBe('Not all of it can be traced: net:inbound_message: no such operand');
  });
  test('what is no trouble is none', () => {
    // coretap has only just begun: peers come with their first message
    expect(health(snapshot({ self: { uptime_ns: 5e9 } }), { ...node, peers_in: 0, peers_out: 0, chain_totals: {} }, T, 0).tone).toBe('ok');
    // blocks of long ago come in quickly while it syncs
    const syncing = { nodes: { main: { state: 'ok', blockchain: { initialblockdownload: true, verificationprogress: 0.43 } } } };
    expect(health(snapshot({ rpc: syncing }), node, T + 71 * 60_000, 0)).toMatchObject({ tone: 'ok', words: expect.stringContaining('43 % verified') as string });
    const refused = { nodes: { main: { state: 'unauthorized', state_text: 'wrong password' } } };
    expect(health(snapshot({ rpc: refused }), node, T, 0)).toMatchObject({ tone: 'ok', words: expect.stringContaining('Its RPC does not answer: wrong password.') as string });
    // a recording ends, and that is well
    expect(health(snapshot({ replay: {} }), { ...node, running: false }, T + 9e6, 0)).toMatchObject({ tone: 'ok', title: 'As recorded' });
  });
});

describe('what happens', () => {
  const event = (name: string, args: Record<string, unknown>): TapEvent => ({ seq: 7, ts: '2026-11-26T04:08:17.198Z', event: name, args });
  test('each in words, about somebody', () => {
    const at = Date.parse('2026-11-26T04:08:17Z') / 1000;
    expect(toHappening(event('net:closed_connection', { peer_id: 25, addr: '1.2.3.4:8333', connected_at: at - 300 }))).toMatchObject({ kind: 'gone', words: 'left after 5 min', link: { hash: '#/peers/25', words: 'peer 25' } });
    expect(toHappening(event('net:inbound_connection', { peer_id: 3, addr: `${'a'.repeat(56)}.onion:1234` }))!.words).toBe('connected from aaaaaaaa…aaaaa.onion:1234');
    expect(toHappening(event('net:misbehaving_connection', { peer_id: 3, reason: 'a\u202eb' }))).toMatchObject({ kind: 'bad', words: 'misbehaved: a\\u202eb' });
    expect(toHappening(event('validation:block_connected', { block_hash: 'ab', height: 900_053, transactions: 439, duration: 21_550_025 }))).toMatchObject({ kind: 'block', words: 'connected: 439 tx in 21.6 ms', link: { hash: '#/blocks/ab', words: 'Block 900,053' } });
    expect(toHappening(event('coretap:lost', { tracepoint: 'net:inbound_message', reason: 'ring-full', count: 3 }))!.words).toBe('3 events of net:inbound_message were lost (ring-full)');
    expect(toHappening(event('coretap:node_gone', {}))!.link).toBeUndefined();
  });
  test('before events are heard, the snapshot tells; the newest first', () => {
    const peers: Peer[] = [{ id: 1, address: '1.2.3.4:8333', inbound: true, connected_utc_ms: T }, { id: 2, address: '1.2.3.5:8333', conn_type: 'feeler', connected_utc_ms: T + 2 }, { id: 3, address: 'x', connected_utc_ms: null }];
    const blocks = [{ hash: 'ab', height: 9, first_utc_ms: T, connected_utc_ms: T + 1, transactions: 2, connect_ns: 1e6 }, { hash: 'cd', first_utc_ms: T + 5 }];
    expect(fromSnapshot(peers, blocks, 9).map((one) => `${one.link?.words} ${one.words}`)).toEqual(['peer 2 is our connection to 1.2.3.5:8333 (feeler)', 'Block 9 connected: 2 tx in 1 ms', 'peer 1 connected from 1.2.3.4:8333']);
    expect(fromSnapshot(peers, blocks, 1)).toHaveLength(1);
  });
  test('unknown events and absent arguments', () => {
    expect(toHappening(event('net:inbound_message', {}))).toBeUndefined();
    expect(toHappening(event('net:closed_connection', {}))).toMatchObject({ words: 'left' });
  });
});

describe('peers that left', () => {
  const peer = (id: number, more: Partial<Peer>): Peer => ({ id, address: '1.2.3.4:8333', ...more });
  test('why', () => {
    expect(closedWhy(peer(1, {}))).toBe('closed by either side');
    expect(closedWhy(peer(1, { evicted: true, misbehaving: 1 }))).toBe('evicted to make room');
    expect(closedWhy(peer(1, { misbehaving: 1, last_misbehaviour: 'inv message size' }))).toBe('misbehaved: inv message size');
    expect(closedWhy(peer(1, { close_inferred: true }))).toMatch(/^not seen/);
  });
  test('the newest first; a column of the other table is no column here', () => {
    const rows = [1, 2, 3].map((id) => ({ peer: peer(id, { closed_utc_ms: T - [500, 20, 9000][id - 1]!, connected_utc_ms: T - 10_000 }), rate: undefined, now: T }));
    const ids = (column: string, down: boolean) => sortRows(rows, { column, down }, CLOSED_COLUMNS).map(({ peer }) => peer.id);
    expect(ids('closed', false)).toEqual([2, 1, 3]);
    expect(ids('stayed', false)).toEqual([3, 1, 2]);
    expect(ids('in', true)).toEqual([3, 2, 1]); // by id, the first column
  });
});

test('ages: the past is up, all that is ahead is one column', () => {
  const offsets: Hist = { bounds: [-100, -10, 0, 10, 100], counts: [1, 2, 3, 4, 5, 6], sum: -70, count: 21 };
  expect(agesOf(offsets)).toEqual({ bounds: [0, 10, 100], counts: [4 + 5 + 6, 3, 2, 1], sum: 70, count: 21 });
  expect(agesOf(undefined)).toBeUndefined();
});

test('ranks: largest first, the rest as other, and other is last', () => {
  expect(ranked({ a: 1, other: 50, b: 9, c: 0 }, 5)).toEqual([['b', 9], ['a', 1], ['other', 50]]);
  expect(ranked({ a: 4, b: 3, c: 2, d: 1 }, 3)).toEqual([['a', 4], ['b', 3], ['other', 3]]);
  expect(ranked({ a: 4, b: 3, c: 2, other: 1 }, 3)).toEqual([['a', 4], ['b', 3], ['other', 3]]);
  expect(ranked(undefined, 3)).toEqual([]);
});

describe('which node', () => {
  const nodes = (...running: boolean[]): Snapshot => ({ utc_ms: T, nodes: running.map((one, i) => ({ label: `n${i}`, running: one })) });
  const looked = (store: Store, snapshot: Snapshot): string | undefined => (store.take(snapshot), store.current()?.label);
  test('one that runs; the page stays with it when it ends', () => {
    const store = new Store();
    expect(looked(store, nodes(false, true, true))).toBe('n1');
    expect(looked(store, nodes(true, false, true))).toBe('n1');
  });
  test('none runs: the first, until one does', () => {
    const store = new Store();
    expect(looked(store, nodes(false, false))).toBe('n0');
    expect(looked(store, nodes(false, true))).toBe('n1');
  });
  test('what was chosen stays, running or not; one that is forgotten does not', () => {
    const store = new Store();
    looked(store, nodes(true, false));
    store.choose('n1');
    expect(looked(store, nodes(true, false))).toBe('n1');
    expect(looked(store, nodes(true))).toBe('n0');
    expect(looked(store, { utc_ms: T, nodes: [] })).toBeUndefined();
  });
});
