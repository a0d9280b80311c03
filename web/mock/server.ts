// A stand-in for `coretap serve`: the built page, and the API with plausible, deterministic data.
//   npm run mock -- --port 8080 --mode normal|empty|nonode|lossy|disconnecting|replay|stopped --rate 200 --peers 125 --nodes 1
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { readFile } from 'node:fs/promises';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { WebSocketServer, WebSocket } from 'ws';
import type { EventFilter, Snapshot, TapEvent } from '../src/api';
import { random, World } from './world';

export type Mode = 'normal' | 'empty' | 'nonode' | 'lossy' | 'disconnecting' | 'replay' | 'stopped' | 'broken';
export interface MockOptions {
  port?: number;
  mode?: Mode;
  rate?: number;
  peers?: number;
  nodes?: number;
}
export interface Mock {
  url: string;
  port: number;
  /** Cuts every WebSocket, and refuses new ones until told otherwise. */
  refuse(yes: boolean): void;
  setMode(mode: Mode): void;
  subscriptions: unknown[];
  /** What was asked of the replay. */
  posts: unknown[];
  close(): Promise<void>;
}
export const CSP = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const TYPES: Record<string, string> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript; charset=utf-8', '.css': 'text/css; charset=utf-8', '.svg': 'image/svg+xml' };
const HELD = 50_000;

interface Client {
  socket: WebSocket;
  filter: EventFilter;
  decode: string;
  max: number;
  subscribed: boolean;
  waiting: TapEvent[];
  sampledOut: number;
  allowance: number;
}

function matches(event: TapEvent, filter: EventFilter): boolean {
  if (filter.only?.length && !filter.only.some((only) => event.event === only || event.event.startsWith(`${only}:`))) return false;
  if (filter.peer?.length && !filter.peer.includes(Number(event.args.peer_id))) return false;
  if (filter.node?.length && !filter.node.includes(String(event.node))) return false;
  return !filter.msg?.length || filter.msg.includes(String(event.args.msg_type));
}

export async function startMock(options: MockOptions = {}): Promise<Mock> {
  let mode: Mode = options.mode ?? 'normal';
  let refusing = false;
  const rate = options.rate ?? 200;
  const start = Date.now();
  const labels = ['main', 'signet', 'test'].slice(0, options.nodes ?? 1);
  const worlds = labels.map((label, i) => new World(label, start, random(7 + i), mode === 'empty' ? 0 : (options.peers ?? 125), rate));
  const replay = { from_utc_ms: start - 3_600_000, to_utc_ms: start + 1_800_000, at_utc_ms: start, state_since_utc_ms: start - 3_600_000, speed: 10, paused: false, ended: false, movable: true, moves: 0, moving: null as { to_utc_ms: number; come_to_utc_ms: number } | null };
  const posts: unknown[] = [];
  const held: TapEvent[] = [];
  const clients = new Set<Client>();
  const subscriptions: unknown[] = [];
  let seq = 1;
  for (const world of worlds) {
    if (mode === 'empty') {
      world.blocks.length = world.seconds.length = world.minutes.length = 0;
      Object.assign(world.mempool, { added: { count: 0, vsize: 0, fee: 0 }, removed: {}, rejected: {}, replaced: { count: 0, vsize: 0, fee: 0 }, added_feerate_sat_per_vb: undefined, block_removal_age_seconds: undefined });
      Object.assign(world.utxo, { added: 0, spent: 0, uncached: 0, flushes: [] });
      for (const key of Object.keys(world.addr)) delete (world.addr as Record<string, unknown>)[key];
      for (const key of Object.keys(world.messages)) if (!/^messages$|_times$/.test(key)) delete (world.messages as Record<string, unknown>)[key];
    }
    world.emit = (event) => {
      event.seq = seq++;
      held.push(event);
      if (held.length > HELD) held.splice(0, HELD / 10);
      for (const client of clients) {
        if (!client.subscribed || client.max === 0 || !matches(event, client.filter)) continue;
        if (client.allowance < 1) client.sampledOut++;
        else {
          client.allowance--;
          client.waiting.push(event);
        }
      }
    };
  }

  const pick = (label: string | null): World => worlds.find((world) => world.label === label) ?? worlds[0]!;
  function snapshot(): Snapshot & Record<string, unknown> {
    const nodes = mode === 'nonode' ? [] : worlds.map((world) => {
      const overview = world.overview();
      if (mode === 'empty') Object.assign(overview, { height: null, chain_totals: { height: null, tip: null, tip_utc_ms: null } });
      if (mode === 'stopped') Object.assign(overview, { running: false });
      return overview;
    });
    const lost: Record<string, number> = mode === 'lossy' ? { 'ring-full': 3196, contended: 12 } : {};
    const fired = worlds.reduce((sum, world) => sum + world.events, 0);
    // The first node is asked by RPC, the others are not.
    const asked = {
      state: 'ok', state_text: '',
      mempool: { loaded: true, size: 48_211, bytes: 31_002_114, usage_bytes: 151_002_114, maxmempool_bytes: 300_000_000, total_fee_sat: 41_882_113, mempoolminfee_sat_per_kvb: 1000, unbroadcastcount: 2 },
      blockchain: { blocks: worlds[0]!.height, headers: worlds[0]!.height, verificationprogress: 0.999998, initialblockdownload: false, warnings: mode === 'lossy' ? ['Unknown new rules activated (versionbit 28)'] : [] },
      network: { subversion: '/Satoshi:29.0.0/', networkactive: true, warnings: [] },
      addrman: { ipv4: { new: 41_002, tried: 8_211, total: 49_213 }, onion: { new: 9_100, tried: 1_204, total: 10_304 } },
      orphans: { count: 12, bytes: 4_800 },
      peers: worlds[0]!.peers.map((one) => ({ id: one.id, transport_protocol_type: one.id % 3 ? 'v2' : 'v1', mapped_as: one.id % 2 ? 24_940 : 0, inv_to_send: one.id, permissions: one.id === 3 ? ['noban', 'download'] : [], synced_headers: worlds[0]!.height, synced_blocks: worlds[0]!.height })),
    };
    return {
      utc_ms: Date.now(), events: mode === 'nonode' ? 0 : fired, nodes,
      ...(mode === 'nonode' || mode === 'empty' ? {} : { rpc: { nodes: { [labels[0]!]: asked } } }),
      losses: { total: mode === 'lossy' ? 3208 : 0, tracepoints: { 'net:inbound_message': { fired, delivered: fired - 3208, lost }, 'mempool:added': { fired: 184_220, delivered: 184_220, lost: {} } } },
      ...(mode === 'lossy' ? { findings: [{ severity: 'warn', title: 'Peer 233 sends addresses faster than the limit', detail: '902 of 1,544 entries were rate-limited in the last hour.', since_utc_ms: start - 900_000 }, { severity: 'bad', title: 'No block for 71 minutes', detail: 'Peers announce none either.', since_utc_ms: start - 400_000 }] } : { findings: [] }),
      ...(mode === 'replay' ? { replay } : {}),
    };
  }
  const snapshotFor = (filter: EventFilter): Snapshot => {
    const mine = mode === 'nonode' ? [] : worlds.filter((world) => !filter.node?.length || filter.node.includes(world.label));
    return { ...snapshot(), peers: mine.flatMap((world) => world.peers.map((peer) => ({ ...world.peerRow(peer), node: world.label }))), blocks: mine.flatMap((world) => world.blocks.slice(0, 10).map((block) => ({ ...block, node: world.label }))) };
  };

  function json(response: ServerResponse, status: number, body: unknown): void {
    response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', 'content-security-policy': CSP });
    response.end(JSON.stringify(body));
  }
  const missing = (response: ServerResponse, message: string): void => json(response, 404, { error: { code: 'not_found', message } });
  function api(path: string, query: URLSearchParams, response: ServerResponse): void {
    if (mode === 'broken') return json(response, 503, { error: { code: 'unavailable', message: 'The tracer is starting. Try again in a moment.' } });
    const world = pick(query.get('node'));
    const since = Number(query.get('since_utc_ms') ?? 0);
    const peer = /^peers\/(\d+)$/.exec(path);
    if (peer) {
      const found = world.peers.find((one) => one.id === Number(peer[1]));
      return found ? json(response, 200, { ...world.peerRow(found), messages: found.messages }) : missing(response, `No peer ${peer[1]} is known.`);
    }
    switch (path) {
      case 'snapshot': return json(response, 200, snapshot());
      case 'nodes': return json(response, 200, { nodes: snapshot().nodes });
      case 'peers': {
        const rows = world.peers.map((one) => world.peerRow(one));
        // Some that have left, of ids that nobody has any more.
        const left = mode === 'empty' ? [] : rows.slice(0, 40).map((row, i) => ({ ...row, id: 10_000 + i, closed_utc_ms: Date.now() - 1000 * (i + 1) ** 2, evicted: i % 7 === 3, close_inferred: i % 11 === 5 }));
        return json(response, 200, { peers: query.get('closed') === '1' ? [...rows, ...left] : rows });
      }
      case 'blocks': return json(response, 200, { blocks: world.blocks.slice(0, Number(query.get('limit') ?? 144)), totals: mode === 'empty' ? {} : { first_announced_via: { inv: 3, headers: 31, cmpctblock: 110 }, delivered_compact_full: 101, delivered_compact_partial: 38, delivered_block: 5 } });
      case 'mempool': return json(response, 200, world.mempool);
      case 'utxo': return json(response, 200, world.utxo);
      case 'addr': return json(response, 200, world.addr);
      case 'messages': return json(response, 200, world.messages);
      case 'losses': return json(response, 200, snapshot().losses);
      case 'history': return json(response, 200, { seconds: world.seconds.filter((point) => point.utc_ms > since), minutes: world.minutes.filter((point) => point.utc_ms > since) });
      default: return missing(response, 'There is nothing at this address.');
    }
  }
  /** As the daemon does: answers how it will be, and is there a little later. */
  async function control(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const piece of request) body += String(piece);
    if (mode !== 'replay') return missing(response, 'no recording is shown, and of a node nothing can be changed from here');
    if (request.headers['content-type'] !== 'application/json') return json(response, 415, { error: { code: 'unsupported_media_type', message: 'the body is JSON' } });
    const asked = JSON.parse(body) as { paused?: boolean; speed?: number; at_utc_ms?: number };
    posts.push(asked);
    if (asked.speed !== undefined) replay.speed = asked.speed;
    if (asked.paused !== undefined) replay.paused = asked.paused;
    if (asked.at_utc_ms !== undefined) {
      const to = Math.min(replay.to_utc_ms, Math.max(replay.from_utc_ms, asked.at_utc_ms));
      replay.moving = { to_utc_ms: to, come_to_utc_ms: replay.from_utc_ms };
      setTimeout(() => {
        Object.assign(replay, { at_utc_ms: to, moving: null, moves: replay.moves + 1, ended: to === replay.to_utc_ms, state_since_utc_ms: Math.max(replay.from_utc_ms, to - 600_000) });
        const moved = { type: 'moved', seq: seq++, at_utc_ms: to, state_since_utc_ms: replay.state_since_utc_ms };
        for (const client of clients) {
          if (!client.subscribed || client.socket.readyState !== WebSocket.OPEN) continue;
          client.socket.send(JSON.stringify({ type: 'snapshot', snapshot: snapshotFor(client.filter) }));
          client.socket.send(JSON.stringify(moved));
        }
      }, 700);
    }
    json(response, 200, replay);
  }
  async function file(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://mock');
    if (request.method === 'POST') return url.pathname === '/api/v1/replay' ? control(request, response) : json(response, 405, { error: { code: 'method_not_allowed', message: 'only GET and HEAD' } });
    if (url.pathname.startsWith('/api/v1/')) return api(url.pathname.slice(8), url.searchParams, response);
    const name = url.pathname === '/' ? 'index.html' : normalize(url.pathname).replace(/^\/+/, '');
    const content = await readFile(join(DIST, name)).catch(() => undefined);
    if (!content) return missing(response, 'There is nothing at this address.');
    response.writeHead(200, { 'content-type': TYPES[extname(name)] ?? 'application/octet-stream', 'content-security-policy': CSP, 'x-content-type-options': 'nosniff' });
    response.end(content);
  }

  const server = createServer((request, response) => void file(request, response));
  const sockets = new WebSocketServer({ noServer: true });
  server.on('upgrade', (request, socket, head) => {
    if (refusing || request.url !== '/ws') return socket.destroy();
    sockets.handleUpgrade(request, socket, head, (ws) => serve(ws));
  });
  function serve(socket: WebSocket): void {
    const client: Client = { socket, filter: {}, decode: 'off', max: 0, subscribed: false, waiting: [], sampledOut: 0, allowance: 0 };
    clients.add(client);
    const send = (frame: unknown): void => socket.send(JSON.stringify(frame));
    socket.on('close', () => clients.delete(client));
    socket.on('message', (data) => {
      const asked = JSON.parse(String(data)) as { filter?: EventFilter; decode?: string; events?: boolean; max_events_per_s?: number; resume_after?: number };
      subscriptions.push(asked);
      Object.assign(client, { filter: { ...asked.filter, ...(asked.events === false ? { only: ['nothing'] } : {}) }, decode: asked.decode ?? 'off', max: asked.max_events_per_s ?? 500, subscribed: true, waiting: [], sampledOut: 0 });
      if (client.max === 0) client.max = 500; // as the daemon: what it allows
      client.allowance = client.max / 20;
      const from = asked.resume_after;
      const holds = from !== undefined && (held[0]?.seq ?? Infinity) <= from + 1;
      send({ type: 'hello', version: '0.1.0', seq: seq - 1, resumed: holds, missed: from === undefined || holds ? 0 : Math.max(0, (held[0]?.seq ?? 1) - from - 1) });
      send({ type: 'snapshot', snapshot: snapshotFor(client.filter) });
      if (from !== undefined && client.max > 0) client.waiting.push(...held.filter((event) => event.seq > from && matches(event, client.filter)));
    });
    if (mode === 'disconnecting') setTimeout(() => socket.close(1001, 'The daemon is being restarted.'), 4000);
  }
  let last = Date.now();
  let ticks = 0;
  const timer = setInterval(() => {
    const now = Date.now();
    if (!replay.paused && !replay.moving) replay.at_utc_ms = replay.speed === 0 ? replay.to_utc_ms : Math.min(replay.to_utc_ms, replay.at_utc_ms + (now - last) * replay.speed);
    replay.ended = replay.at_utc_ms === replay.to_utc_ms;
    if (mode !== 'nonode' && mode !== 'stopped') for (const world of worlds) world.advance(last, now);
    for (const client of clients) {
      client.allowance = Math.min(client.max / 10, client.allowance + (client.max * (now - last)) / 1000);
      if (client.socket.readyState !== WebSocket.OPEN || !client.subscribed) continue;
      if (client.waiting.length || client.sampledOut) client.socket.send(JSON.stringify({ type: 'events', events: client.waiting, sampled_out: client.sampledOut, dropped: 0 }));
      client.waiting = [];
      client.sampledOut = 0;
      if (ticks % 20 === 0) client.socket.send(JSON.stringify({ type: 'snapshot', snapshot: snapshotFor(client.filter) }));
    }
    last = now;
    ticks++;
  }, 50);

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const port = (server.address() as { port: number }).port;
  return {
    url: `http://127.0.0.1:${port}/`,
    port,
    subscriptions,
    posts,
    refuse(yes) {
      refusing = yes;
      if (yes) for (const client of clients) client.socket.terminate();
    },
    setMode(next) {
      mode = next;
    },
    async close() {
      clearInterval(timer);
      for (const client of clients) client.socket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name: string): string | undefined => {
    const at = process.argv.indexOf(`--${name}`);
    return at < 0 ? undefined : process.argv[at + 1];
  };
  const number = (name: string, fallback: number): number => Number(option(name) ?? fallback);
  const mock = await startMock({ port: number('port', 8080), mode: (option('mode') ?? 'normal') as Mode, rate: number('rate', 200), peers: number('peers', 125), nodes: number('nodes', 1) });
  console.log(mock.url);
}
