// The daemon's answers as docs describe them. Anything may be missing (an older or newer daemon): the page then shows "–".

export type Dir = 'in' | 'out';
export type ByDir<T> = Partial<Record<Dir, T>>;

export interface Count {
  count: number;
  bytes: number;
}
export interface Hist {
  bounds: number[];
  counts: number[];
  sum: number;
  count: number;
}
export interface ReasonCount {
  count: number;
  vsize: number;
  fee: number;
}

export interface Identity {
  label: string;
  pid?: number;
  executable?: string;
  build_id?: string;
  datadir?: string;
  chain?: string;
  started_at_s?: number;
  starts?: number;
  running?: boolean;
}

export interface Mempool {
  added?: ReasonCount;
  removed?: Record<string, ReasonCount>;
  rejected?: Record<string, number>;
  replaced?: ReasonCount;
  replacements_by_package?: number;
  added_feerate_sat_per_vb?: Hist;
  block_removal_age_seconds?: Hist;
}

export interface NodeOverview extends Identity {
  peers_in?: number;
  peers_out?: number;
  height?: number | null;
  chain_totals?: ChainTotals;
  mempool?: Mempool;
  messages?: ByDir<Count>;
  connections?: Connections;
}
export interface Connections {
  inbound?: Record<string, number>;
  outbound?: Record<string, number>;
  closed?: Record<string, number>;
  evicted?: number;
  misbehaving?: Record<string, number>;
  closed_age_seconds?: Hist;
}
export interface ChainTotals {
  height?: number | null;
  tip?: string;
  tip_utc_ms?: number | null;
  blocks?: number;
}

export interface Finding {
  severity?: string;
  title?: string;
  detail?: string;
  since_utc_ms?: number;
  node?: string;
}
export interface Replay {
  from_utc_ms?: number;
  to_utc_ms?: number | null;
  at_utc_ms?: number;
  speed?: number;
  paused?: boolean;
  ended?: boolean;
  /** Whether it can be gone to another time of. */
  movable?: boolean;
  /** How often the time was moved: what is shown is about another time then. */
  moves?: number;
  moving?: { to_utc_ms?: number; come_to_utc_ms?: number } | null;
  state_since_utc_ms?: number;
}
export interface LossRow {
  fired?: number;
  delivered?: number;
  withheld?: number;
  lost?: Record<string, number>;
  payload_shed?: number;
  arg_faults?: number;
}
export interface Losses {
  total?: number;
  tracepoints?: Record<string, LossRow>;
}

/** coretap's own state (docs/serve.md). */
export interface Self {
  version?: string;
  uptime_ns?: number;
  process?: { cpu_ns?: number; resident_bytes?: number };
  ring?: { bytes?: number; used_bytes?: number; high_water_bytes?: number };
  tracepoints?: Record<string, { attached_processes?: number }>;
  attachments?: { path?: string; problems?: string[] }[];
}
/** What the node says by RPC of one peer, beside what is traced. */
export interface RpcPeer {
  id: number;
  transport_protocol_type?: string | null;
  mapped_as?: number | null;
  inv_to_send?: number | null;
  permissions?: string[];
  minping_s?: number | null;
  synced_headers?: number | null;
  synced_blocks?: number | null;
  inflight?: number | null;
}
/** What the node says by RPC (docs/poll.md). A part is null while it is not known. */
export interface RpcNode {
  state?: string;
  state_text?: string;
  mempool?: { loaded?: boolean; size?: number; bytes?: number; usage_bytes?: number; maxmempool_bytes?: number; total_fee_sat?: number; mempoolminfee_sat_per_kvb?: number; unbroadcastcount?: number } | null;
  blockchain?: { blocks?: number; headers?: number; verificationprogress?: number; initialblockdownload?: boolean; size_on_disk_bytes?: number; pruned?: boolean; warnings?: string[] } | null;
  network?: { subversion?: string; networkactive?: boolean; warnings?: string[] } | null;
  addrman?: Record<string, { new?: number; tried?: number; total?: number }> | null;
  orphans?: { count?: number; bytes?: number } | null;
  peers?: RpcPeer[] | null;
}
/** What only debug.log says. */
export interface NodeLog {
  following?: boolean;
  reconstructions?: { count?: number; complete?: number; prefilled?: number; from_mempool?: number; from_extra_pool?: number; requested?: number; requested_bytes?: number };
}

export interface Snapshot {
  utc_ms: number;
  events?: number;
  nodes: NodeOverview[];
  losses?: Losses;
  findings?: Finding[];
  replay?: Replay;
  self?: Self;
  rpc?: { nodes?: Record<string, RpcNode> };
  log?: { nodes?: Record<string, NodeLog> };
  peers?: Peer[];
  blocks?: Journey[];
}

export interface Peer {
  id: number;
  node?: string;
  address: string;
  network?: string;
  /** Names of the user's lists that its address is on. */
  lists?: string[];
  conn_type?: string;
  inbound?: boolean;
  connected_utc_ms?: number | null;
  first_seen_utc_ms?: number;
  last_in_utc_ms?: number | null;
  last_out_utc_ms?: number | null;
  messages_in?: number;
  messages_out?: number;
  bytes_in?: number;
  bytes_out?: number;
  messages?: ByDir<Record<string, Count>>;
  version?: {
    version?: number;
    services?: string;
    services_names?: string[];
    user_agent?: string;
    start_height?: number;
    relay?: boolean;
    time_offset_s?: number | null;
  } | null;
  handshake_done?: boolean;
  addrv2?: boolean;
  wtxid_relay?: boolean;
  prefers_headers?: boolean;
  compact_hb_from?: boolean;
  compact_hb_to?: boolean;
  ping?: { answered?: number; last_ns?: number | null; min_ns?: number | null; waiting_since_utc_ms?: number | null };
  fee_filter_sat_per_kvb?: number | null;
  addr?: {
    entries_in?: number;
    entries_out?: number;
    processed?: number;
    rate_limited?: number;
    bucket?: number;
    exact?: boolean;
  };
  height?: number | null;
  tx_inv_in?: number;
  tx_inv_out?: number;
  tx_requested_in?: number;
  tx_requested_out?: number;
  tx_in?: number;
  tx_out?: number;
  notfound_in?: number;
  tx_accepted?: number;
  tx_rejected?: number;
  misbehaving?: number;
  last_misbehaviour?: string;
  undecodable?: number;
  message_time_ns?: number;
  message_time_at_least_ns?: number;
  closed_utc_ms?: number | null;
  evicted?: boolean;
  close_inferred?: boolean;
}

export interface Journey {
  hash: string;
  node?: string;
  height?: number | null;
  first_utc_ms: number;
  announcements?: { peer_id: number; via: string; utc_ms: number }[];
  announcements_total?: number;
  requests?: { peer_id: number; via: string; utc_ms: number }[];
  compact?: {
    peer_id: number;
    utc_ms: number;
    bytes?: number;
    short_ids?: number;
    prefilled?: number;
    requested?: number | null;
    received_bytes?: number | null;
    blocktxn_utc_ms?: number | null;
    failed?: boolean;
  }[];
  delivered_peer?: number | null;
  delivered_via?: string;
  delivered_utc_ms?: number | null;
  delivered_bytes?: number;
  connected_utc_ms?: number | null;
  connect_ns?: number | null;
  transactions?: number;
  inputs?: number;
  sigops?: number;
  first_relay_utc_ms?: number | null;
  relayed_peers?: number;
  earlier_run?: boolean;
  gap?: boolean;
}

/** Over all blocks that were announced and connected. */
export interface BlockTotals {
  announce_to_deliver_seconds?: Hist;
  announce_to_relay_seconds?: Hist;
  first_announced_via?: Record<string, number>;
  delivered_compact_full?: number;
  delivered_compact_partial?: number;
  delivered_block?: number;
  missing_transactions?: Hist;
}

export interface HistoryPoint {
  utc_ms: number;
  messages?: ByDir<Count>;
  messages_in_by_kind?: Record<string, number>;
  peers_in?: number;
  peers_out?: number;
  mempool_added?: number;
  mempool_removed?: number;
  mempool_rejected?: number;
  mempool_replaced?: number;
  blocks?: number;
  lost?: number;
}
export interface History {
  seconds?: HistoryPoint[];
  minutes?: HistoryPoint[];
}

export interface Utxo {
  added?: number;
  spent?: number;
  uncached?: number;
  flushes?: {
    mode: string;
    for_prune?: boolean;
    count: number;
    coins?: number;
    seconds?: Hist;
    last_memory_bytes?: number;
    last_coins?: number;
    last_utc_ms?: number | null;
  }[];
  coins?: CoinSelection;
}
/** What the node's wallets choose their coins by. */
export interface CoinSelection {
  selected?: Record<string, number>;
  created?: number;
  failed?: number;
  aps_attempts?: number;
  aps_used?: number;
}

export interface Messages {
  messages?: ByDir<Record<string, Record<string, Count>>>;
  message_times?: Record<string, { count: number; total_ns: number; max_ns: number; total_at_least_ns?: number; seconds?: Hist; ended_in_wait?: number; idle?: number }>;
  messages_exact?: boolean;
  inv?: { entries?: ByDir<Record<string, number>>; size?: ByDir<Hist> };
  ping_seconds?: Hist;
  fee_filter_sat_per_vb_in?: Hist;
  user_agents?: Record<string, number>;
  protocol_versions?: Record<string, number>;
  version_services?: Record<string, number>;
  rejects?: Record<string, number>;
  findings?: { type: string; problem: string; count: number }[];
}

export interface AddrRelay {
  entries?: Record<string, ByDir<Hist>>;
  time_offset_seconds?: Record<string, ByDir<Hist>>;
  networks?: ByDir<Record<string, number>>;
  service_bits?: ByDir<Record<string, number>>;
  self_announcements?: ByDir<number>;
  rate_limited?: number;
  processed?: number;
  empty?: ByDir<number>;
  addrman?: { new_inserted?: number; new_refused?: number; tried?: number };
}

/** One event, as in docs/json.md, with its sequence number. */
export interface TapEvent {
  seq: number;
  ts: string;
  mono_ns?: number;
  event: string;
  node?: string | null;
  args: Record<string, unknown>;
  decoded?: { summary?: string; nonce?: string; entries?: { hash: string; type: string }[] } & Record<string, unknown>;
}

export interface EventFilter {
  only?: string[];
  peer?: number[];
  msg?: string[];
  node?: string[];
  direction?: Dir;
}
export interface Subscription {
  filter: EventFilter;
  decode: 'off' | 'short' | 'full';
  events?: boolean;
  /** At least 1: to the daemon 0 means "as many as you allow". */
  max_events_per_s: number;
  /** Events from before are welcome, as far as the daemon still holds them. */
  look_back?: boolean;
}

export type ServerFrame =
  | { type: 'hello'; version?: string; seq: number | null; resumed?: boolean; missed?: number | null }
  | { type: 'snapshot'; snapshot: Snapshot }
  | { type: 'events'; events: TapEvent[]; sampled_out?: number; dropped?: number }
  | { type: 'moved'; seq: number; at_utc_ms?: number; state_since_utc_ms?: number }
  | { type: 'error'; code?: string; message?: string };

/** Snapshots without events: what views want that show no single messages. */
export const SNAPSHOTS_ONLY: Subscription = { filter: {}, decode: 'off', events: false, max_events_per_s: 1 };

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/** Gets one answer of the API. Throws ApiError with the daemon's own words, or with ours where it cannot be reached. */
export async function get<T>(path: string, params: Record<string, string | undefined> = {}, signal?: AbortSignal): Promise<T> {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) if (value !== undefined) query.set(key, value);
  const text = query.toString();
  return answerOf<T>(`${path}${text ? `?${text}` : ''}`, { signal: signal ?? AbortSignal.timeout(10_000) });
}
/** Changes something, and gets how it will be. */
export async function post<T>(path: string, body: unknown): Promise<T> {
  return answerOf<T>(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body), signal: AbortSignal.timeout(10_000) });
}
async function answerOf<T>(path: string, init: RequestInit): Promise<T> {
  let response: Response;
  try {
    response = await fetch(`api/v1/${path}`, init);
  } catch {
    throw new ApiError(0, 'The daemon does not answer.');
  }
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) {
    const said = (body as { error?: { message?: string } } | null)?.error?.message;
    throw new ApiError(response.status, said ?? `The daemon answered ${response.status}.`);
  }
  return body as T;
}
