// One peer: its facts, and the conversation with it as a sequence diagram.
import { ApiError, get, type Peer, type TapEvent } from '../api';
import { h, icon, s, setText, show } from '../lib/dom';
import { FAMILIES, familyOf } from '../lib/families';
import { age, bothWays, byteRate, bytes, clock, count, duration, integer, percent, safe, text } from '../lib/format';
import { Pairing, toMessage, type Message, type Pair } from '../lib/pairing';
import { closedWhy, listsOf } from '../lib/peer_table';
import { bars, empty, failure, panel, segmented, skeleton } from '../lib/widgets';
import type { Batch, Context, View } from '../view';
import { networkName, setFacts, type Fact } from './overview';

const ROW = 36;
const KEEP = 300;
const LANES = 4;
const LANE = 13;

export function makePeer({ store, go, announce }: Context, rest: string[]): View {
  const id = Number(rest[0]);
  let peer: Peer | undefined;
  let gone = false;
  const title = h('h1', null, `Peer ${safe(rest[0], 20)}`);
  const sub = h('div', { class: 'peer-sub' });
  // In groups: nobody reads a list of thirty.
  const group = (name: string): { name: HTMLElement; list: HTMLElement } => ({ name: h('h3', null, name), list: h('dl', { class: 'facts' }) });
  const groups = { who: group('Who'), link: group('Connection'), traffic: group('Traffic'), tx: group('Transactions'), blocks: group('Blocks'), addr: group('Addresses'), rpc: group('The node says by RPC'), conduct: group('Conduct') };
  const types = bars('Messages by type', ['Type', 'Messages']);
  const side = h('div', { class: 'peer-side' }, panel('Facts', { cls: 'facts-panel' }, ...Object.values(groups).flatMap(({ name, list }) => [name, list])), panel('Messages by type', { hint: 'In + out' }, types.el));
  const body = h('div', { class: 'peer-grid' });
  const notice = h('p', { class: 'notice', hidden: true });
  const el = h('div', { class: 'view' }, h('div', { class: 'view-head' }, h('a', { class: 'back', href: '#/peers', 'aria-label': 'Back to all peers' }, icon('back')), title, sub), notice, body);
  body.append(skeleton(8));

  // ---- the conversation

  const messages: Message[] = [];
  const pairs = new Map<number, Pair>(); // by seq of either side
  const lanes = new Map<number, number>(); // by seq of the reply
  let pairing = new Pairing();
  let follow = true;
  let hide = 'none';
  let left = 0;
  let lastSeq = 0;
  let sampledOut = 0;
  const rowsEl = h('div', { class: 'seq-rows' });
  const overlay = s('svg', { class: 'seq-pairs', 'aria-hidden': 'true', width: LANES * LANE + 4 });
  const scroll = h('div', { class: 'seq-scroll', tabindex: '0', role: 'log', 'aria-label': 'Conversation, newest last', 'aria-live': 'off' }, rowsEl, overlay);
  const nothing = h('div', { class: 'seq-empty' }, empty('Listening…', 'Messages show here as they are exchanged.', 'messages'));
  const followButton = h('button', { type: 'button', class: 'button small', 'aria-pressed': 'true', onclick: () => setFollow(!follow) }, 'Follow');
  const said = h('p', { class: 'muted seq-note' });
  const chatter = segmented('Messages shown', [['none', 'All'], ['inv', 'No announcements']], 'none', (value) => ((hide = value), redraw()));
  const sequence = panel(
    'Conversation',
    { cls: 'seq-panel', hint: 'Live. Brackets join a request and its answer', actions: h('div', { class: 'seq-actions' }, chatter, followButton) },
    h('div', { class: 'seq-head', 'aria-hidden': 'true' }, h('span', null, 'Time'), h('span', { class: 'seq-us' }, 'our node'), h('span', { class: 'seq-them' }, `peer ${safe(rest[0], 20)}`), h('span', { class: 'seq-reply' }, 'answered')),
    scroll,
    nothing,
    said,
  );
  function setFollow(on: boolean): void {
    follow = on;
    followButton.setAttribute('aria-pressed', String(on));
    if (on) scroll.scrollTop = scroll.scrollHeight;
  }
  scroll.addEventListener('wheel', () => requestAnimationFrame(() => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight > 60 && follow && setFollow(false)), { passive: true });
  scroll.addEventListener('keydown', (event) => ['ArrowUp', 'PageUp', 'Home'].includes(event.key) && setFollow(false));

  const visible = (): Message[] => (hide === 'none' ? messages : messages.filter((message) => familyOf(message.type) !== 0));
  function rowOf(message: Message): HTMLElement {
    const pair = pairs.get(message.seq);
    const reply = pair?.reply === message.seq ? pair : undefined;
    const family = FAMILIES[familyOf(message.type)]!.id;
    const direction = message.dir === 'in' ? 'from the peer' : 'to the peer';
    const row = h(
      'div',
      { class: `seq-row seq-${message.dir} f-${family}`, 'data-seq': message.seq },
      h('span', { class: 'seq-time' }, clock(message.utcMs, message.utcMs, true)),
      h(
        'span',
        { class: 'seq-lane' },
        h('span', { class: 'seq-label' }, h('span', { class: 'sr' }, `${direction}: `), h('b', null, message.type), h('span', { class: 'seq-size' }, text(bytes(message.size))), message.summary ? h('span', { class: 'seq-phrase', title: message.summary }, message.summary) : null),
        h('span', { class: 'seq-arrow', 'aria-hidden': 'true' }),
      ),
      h('span', { class: 'seq-reply' }, reply ? h('span', { class: 'seq-delay', title: reply.exact ? 'Matched by what names the exchange' : 'Matched by order' }, `${reply.exact ? '' : '≈ '}${text(duration(reply.delayMs * 1e6))}`) : null),
    );
    return row;
  }
  function redraw(): void {
    const list = visible();
    // Only what is new is built; what is too old goes.
    const want = new Set(list.map((message) => String(message.seq)));
    for (const row of [...rowsEl.children] as HTMLElement[]) if (!want.has(row.dataset.seq!)) row.remove();
    let at = rowsEl.firstElementChild as HTMLElement | null;
    for (const message of list) {
      if (at?.dataset.seq === String(message.seq)) at = at.nextElementSibling as HTMLElement | null;
      else rowsEl.insertBefore(rowOf(message), at);
    }
    drawPairs(list);
    show(nothing, list.length === 0);
    show(scroll, list.length > 0);
    const parts = [left > 0 ? `${integer(left)} earlier messages are no longer shown` : '', sampledOut > 0 ? `${integer(sampledOut)} were left out: too many at once` : ''].filter(Boolean);
    setText(said, parts.join(' · '));
    if (follow) scroll.scrollTop = scroll.scrollHeight;
  }
  function drawPairs(list: Message[]): void {
    const index = new Map(list.map((message, i) => [message.seq, i]));
    const busy: number[] = new Array<number>(LANES).fill(-1);
    const paths: SVGElement[] = [];
    const done = [...new Set(pairs.values())].filter((pair) => index.has(pair.reply) && index.has(pair.request)).sort((a, b) => index.get(a.request)! - index.get(b.request)!);
    for (const pair of done) {
      const from = index.get(pair.request)!;
      const to = index.get(pair.reply)!;
      let lane = lanes.get(pair.reply) ?? busy.findIndex((until) => until < from);
      if (lane < 0) lane = LANES - 1;
      busy[lane] = Math.max(busy[lane]!, to);
      lanes.set(pair.reply, lane);
      const x = 4 + (lane + 1) * LANE - 6;
      const y1 = from * ROW + 25;
      const y2 = to * ROW + 25;
      const family = FAMILIES[familyOf(list[to]!.type)]!.id;
      paths.push(s('path', { class: `seq-bracket s-${family}`, d: `M0 ${y1}H${x - 4}q4 0 4 4V${y2 - 4}q0 4 -4 4H0` }), s('circle', { class: `seq-dot s-${family}`, cx: 1.5, cy: y2, r: 2.5 }));
    }
    overlay.setAttribute('height', String(list.length * ROW));
    overlay.replaceChildren(...paths);
  }
  function hear(event: TapEvent): void {
    if (Number(event.args.peer_id) !== id || event.seq <= lastSeq) return;
    lastSeq = event.seq;
    if (event.event === 'net:closed_connection') return void leave();
    const message = toMessage(event);
    if (!message) return;
    messages.push(message);
    const pair = pairing.push(message);
    if (pair) {
      pairs.set(pair.request, pair);
      pairs.set(pair.reply, pair);
    }
  }
  function forget(): void {
    while (messages.length > KEEP) {
      const { seq } = messages.shift()!;
      left++;
      const pair = pairs.get(seq);
      if (pair) {
        pairs.delete(pair.request);
        pairs.delete(pair.reply);
        lanes.delete(pair.reply);
      }
    }
  }
  function leave(): void {
    if (gone) return;
    gone = true;
    announce(`Peer ${id} has disconnected.`);
    void load();
  }

  // ---- the facts

  let loading = false;
  let askedAt = 0;
  async function load(): Promise<void> {
    if (loading) return;
    loading = true;
    askedAt = performance.now();
    try {
      peer = await get<Peer>(`peers/${encodeURIComponent(rest[0] ?? '')}`, { node: store.nodeParam() });
      if (!body.contains(sequence)) body.replaceChildren(side, sequence);
      draw();
    } catch (error) {
      if (!peer) {
        const unknown = (error as ApiError).status === 404;
        body.replaceChildren(unknown ? empty('No such peer', 'It is not connected, and left too long ago to be remembered.', 'peers') : failure(error as Error, () => void load()));
      } else if ((error as ApiError).status === 404) gone = true;
    }
    loading = false;
  }
  function draw(): void {
    if (!peer) return;
    const now = store.now();
    const live = store.peers().find((one) => one.id === id);
    const p = { ...peer, ...(live ?? {}) };
    const rate = store.rates.of(id);
    const closed = peer.closed_utc_ms;
    show(notice, closed != null || gone);
    if ((closed != null || gone) && messages.length === 0 && !nothing.dataset.gone) {
      nothing.dataset.gone = 'true';
      nothing.replaceChildren(empty('It has left', 'What was said is not held any more.', 'messages'));
    }
    setText(notice, closed != null ? `Disconnected at ${clock(closed, now)}: ${closedWhy(peer)}. This is what was known of it.` : 'It is no longer connected.');
    setText(sub, `${safe(p.address, 300)} · ${networkName(p.network)} · ${p.inbound ? 'inbound' : 'outbound'}`);
    const yes = (value: boolean | undefined): string => (value ? 'yes' : 'no');
    setFacts(groups.who.list, [
      ['Address', safe(p.address, 300)],
      ['Network', networkName(p.network)],
      ...(p.lists?.length ? [['On lists', listsOf(p)] as Fact] : []),
      ['User agent', safe(p.version?.user_agent) || 'not said yet'],
      ['Services', (p.version?.services_names ?? []).join(', ') || '–'],
      ['Protocol', p.version?.version === undefined ? '–' : String(p.version.version)],
    ]);
    setFacts(groups.link.list, [
      ['Type', safe(p.conn_type, 40) || '–'],
      ['Connected', p.connected_utc_ms == null ? 'before coretap looked' : closed != null ? `for ${age((closed - p.connected_utc_ms) / 1000)}` : `${age((now - p.connected_utc_ms) / 1000)} ago`],
      ...(closed == null ? [] : [['Closed', `${clock(closed, now)}, ${closedWhy(peer)}`] as Fact]),
      ['Ping', p.ping?.last_ns == null ? '–' : `${text(duration(p.ping.last_ns))}, least ${text(duration(p.ping.min_ns))}`],
      ['Its clock', p.version?.time_offset_s == null ? '–' : p.version.time_offset_s === 0 ? 'as ours' : `${p.version.time_offset_s > 0 ? '+' : ''}${p.version.time_offset_s} s`],
    ]);
    setFacts(groups.traffic.list, [
      ['From it', `${text(bytes(p.bytes_in))} in ${text(count(p.messages_in, 'messages'))}`],
      ['To it', `${text(bytes(p.bytes_out))} in ${text(count(p.messages_out, 'messages'))}`],
      ...(closed == null ? [['Now', rate ? bothWays(byteRate(rate.in), byteRate(rate.out)) : '–'] as Fact] : []),
    ]);
    setFacts(groups.tx.list, [
      ['Fee filter', p.fee_filter_sat_per_kvb == null ? 'none' : `${(p.fee_filter_sat_per_kvb / 1000).toFixed(2)} sat/vB`],
      ['Announced', `${integer(p.tx_inv_in)} to us, ${integer(p.tx_inv_out)} by us`],
      ['Asked for', `${integer(p.tx_requested_in)} by it, ${integer(p.tx_requested_out)} by us`],
      ['Sent', `${integer(p.tx_in)} to us, ${integer(p.tx_out)} by us, ${integer(p.notfound_in)} not found`],
      ['Of those to us', `${integer(p.tx_accepted)} let into the mempool, ${integer(p.tx_rejected)} rejected`],
    ]);
    setFacts(groups.blocks.list, [
      ['Height', `${integer(p.height)}${p.version?.start_height !== undefined ? ` (began at ${integer(p.version.start_height)})` : ''}`],
      ['Compact blocks', `high bandwidth: we asked it ${yes(p.compact_hb_to)}, it asked us ${yes(p.compact_hb_from)}`],
    ]);
    setFacts(groups.addr.list, [
      ['Entries', `${integer(p.addr?.entries_in)} in, ${integer(p.addr?.entries_out)} out`],
      ['Rate limited', `${integer(p.addr?.rate_limited)} (${text(percent(p.addr?.rate_limited, p.addr?.entries_in))}), bucket ${p.addr?.bucket?.toFixed(1) ?? '–'}${p.addr?.exact ? '' : ', estimated'}`],
    ]);
    const said = closed == null ? store.rpc()?.peers?.find((one) => one.id === id) : undefined;
    show(groups.rpc.name, said !== undefined);
    show(groups.rpc.list, said !== undefined);
    setFacts(groups.rpc.list, [
      ['Transport', safe(said?.transport_protocol_type, 20) || '–'],
      ['Mapped AS', said?.mapped_as ? `AS${said.mapped_as}` : '–'],
      ['Permissions', (said?.permissions ?? []).map((one) => safe(one, 30)).join(', ') || 'none'],
      ['Waiting to be announced', text(count(said?.inv_to_send, 'tx'))],
      ['In step up to', `headers ${integer(said?.synced_headers)}, blocks ${integer(said?.synced_blocks)}`],
    ]);
    setFacts(groups.conduct.list, [
      ['Node time on it', `${text(duration(p.message_time_at_least_ns))} at least, ${text(duration(p.message_time_ns))} at most`],
      ['Malformed', text(count(p.undecodable, 'messages'))],
      ['Misbehaved', p.misbehaving ? `${p.misbehaving} times: ${safe(p.last_misbehaviour, 128)}` : 'never'],
    ]);
    const all = new Map<string, { in: number; out: number; bytes: number }>();
    for (const dir of ['in', 'out'] as const)
      for (const [type, n] of Object.entries(peer.messages?.[dir] ?? {})) {
        const row = all.get(type) ?? { in: 0, out: 0, bytes: 0 };
        row[dir] += n.count;
        row.bytes += n.bytes;
        all.set(type, row);
      }
    types.set(
      [...all]
        .sort((a, b) => b[1].in + b[1].out - a[1].in - a[1].out)
        .slice(0, 12)
        .map(([type, n]) => ({ label: safe(type, 24), value: n.in, color: 'c--in', more: { value: n.out, color: 'c--out' }, shown: count(n.in + n.out), title: `${safe(type, 24)}: ${integer(n.in)} in, ${integer(n.out)} out, ${text(bytes(n.bytes))}` })),
      'None yet.',
    );
  }
  void load();
  return {
    title: `Peer ${safe(rest[0], 20)}`,
    el,
    subscription: { filter: { only: ['net'], peer: Number.isSafeInteger(id) ? [id] : [] }, decode: 'short', max_events_per_s: 200, look_back: true },
    gap(seq) {
      // An answer must not be paired with a request over a gap.
      pairing = new Pairing();
      if (seq >= lastSeq) return;
      for (const what of [pairs, lanes]) what.clear();
      messages.length = lastSeq = left = 0;
    },
    events(batch: Batch) {
      sampledOut += batch.sampledOut;
      // A gap may hide a request: what follows must not be paired over it.
      if (batch.sampledOut > 0) pairing = new Pairing();
      batch.events.forEach(hear);
      forget();
      redraw();
    },
    update() {
      if (performance.now() - askedAt > 4000 && store.status.phase === 'open' && !gone) void load();
      draw();
    },
    key(event) {
      if (event.key !== 'Escape') return false;
      go('#/peers');
      return true;
    },
  };
}
