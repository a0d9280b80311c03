import type { AddrRelay, Hist } from '../api';
import { h, quantity, show } from '../lib/dom';
import { count, integer, percent, safe, shortAddress, text } from '../lib/format';
import { agesOf } from '../lib/ages';
import { bars, empty, histogram, panel, Place, poll, segmented, tile, tiles } from '../lib/widgets';
import type { Context, View } from '../view';
import { plainNumber, spanOf } from './mempool';
import { NETWORKS, networkName, setFacts } from './overview';

type Kind = 'addrv2' | 'addr';

export function makeAddr({ store }: Context): View {
  let kind: Kind = 'addrv2';
  let relay: AddrRelay = {};
  const fromPeers = tile('Addresses from peers');
  const toPeers = tile('Addresses to peers');
  const limited = tile('Rate limited');
  const own = tile('Own addresses announced');
  const networks = bars('Addresses by network', ['Network', 'Addresses']);
  const services = bars('Services of addresses from peers', ['Service', 'Addresses']);
  const entries = histogram('Addresses in a message from peers', plainNumber, 'addresses');
  const offsets = histogram('Age of addresses from peers', (seconds) => (seconds === 0 ? 'ahead' : spanOf(seconds)), '');
  const peers = h('div');
  const known = h('dl', { class: 'facts' });
  const tables = h('div');
  const knownNone = h('p', { class: 'none' }, 'Not known: it takes the node’s RPC, or a node with addrman tracepoints.');
  const content = h(
    'div',
    null,
    tiles(fromPeers, toPeers, limited, own),
    h(
      'div',
      { class: 'grid halves' },
      panel('By network', { hint: 'In + out' }, networks.el, h('p', { class: 'key' }, h('span', { class: 'swatch c--in' }), 'in', h('span', { class: 'swatch c--out' }), 'out')),
      panel('Services', { hint: 'Share of addresses from peers' }, services.el),
      panel('Message size', { hint: 'Addresses in a message from peers', actions: segmented<Kind>('Message type', [['addrv2', 'addrv2'], ['addr', 'addr']], kind, (value) => ((kind = value), draw())) }, entries.el),
      panel('Age', { hint: 'How long ago they were last seen, as the sender says' }, offsets.el),
      panel('Address manager', { cls: 'wide', hint: 'What the node keeps: new is hearsay, tried is where it was connected' }, known, knownNone, tables),
      panel('Peers that send most', { cls: 'wide', hint: 'Bitcoin Core’s own rate limit, done again from outside' }, peers),
    ),
  );
  const place = new Place(content);
  const el = h('div', { class: 'view' }, h('div', { class: 'view-head' }, h('h1', null, 'Addresses')), place.el);
  const polling = poll<AddrRelay>(
    'addr',
    () => ({ node: store.nodeParam() }),
    3000,
    (answer) => {
      relay = answer;
      place.ready();
      draw();
    },
    (error) => place.failed(error, () => polling.now()),
  );
  const sum = (all: Record<string, number> | undefined): number => Object.values(all ?? {}).reduce((total, n) => total + n, 0);
  function draw(): void {
    const inAll = sum(relay.networks?.in);
    const messages = (dir: 'in' | 'out'): number => Object.values(relay.entries ?? {}).reduce((total, by) => total + (by[dir]?.count ?? 0), 0);
    fromPeers.set(count(inAll), `in ${text(count(messages('in'), 'messages'))}`);
    toPeers.set(count(sum(relay.networks?.out)), `in ${text(count(messages('out'), 'messages'))}`);
    const judged = (relay.rate_limited ?? 0) + (relay.processed ?? 0);
    limited.set(percent(relay.rate_limited ?? 0, judged), judged ? `${text(count(relay.rate_limited))} of ${text(count(judged))}` : 'none yet');
    own.set(count(relay.self_announcements?.in ?? 0), `by peers · ${text(count(relay.self_announcements?.out ?? 0))} by us`);
    const names = new Set([...Object.keys(relay.networks?.in ?? {}), ...Object.keys(relay.networks?.out ?? {})]);
    const order = (name: string): number => (NETWORKS.includes(name) ? NETWORKS.indexOf(name) : 99);
    networks.set(
      [...names]
        .filter((name) => relay.networks?.in?.[name] || relay.networks?.out?.[name])
        .sort((a, b) => order(a) - order(b))
        .map((name) => {
          const [i, o] = [relay.networks?.in?.[name] ?? 0, relay.networks?.out?.[name] ?? 0];
          return { label: networkName(name), value: i, color: 'c--in', more: { value: o, color: 'c--out' }, shown: { value: `${integer(i)} + ${integer(o)}`, unit: '' } };
        }),
      'No address yet.',
    );
    services.set(
      Object.entries(relay.service_bits?.in ?? {})
        .sort((a, b) => b[1] - a[1])
        .slice(0, 10)
        .map(([name, n]) => ({ label: safe(name, 30), value: n, color: 'c--f-addr', shown: percent(n, inAll), title: text(count(n, 'addresses')) })),
      'No address yet.',
    );
    const pick = (what: Record<string, { in?: Hist; out?: Hist }> | undefined): Hist | undefined => what?.[kind]?.in;
    entries.set(pick(relay.entries));
    offsets.set(agesOf(pick(relay.time_offset_seconds)));
    drawPeers();
    drawAddrman();
  }
  let drawnTables = '';
  function drawAddrman(): void {
    const traced = relay.addrman ?? {};
    const seen = (traced.new_inserted ?? 0) + (traced.new_refused ?? 0) + (traced.tried ?? 0) > 0;
    const counted = Object.entries(store.rpc()?.addrman ?? {}).filter(([name]) => name !== 'all_networks');
    show(knownNone, !seen && counted.length === 0);
    show(known, seen);
    setFacts(known, [
      ['Into new', `${integer(traced.new_inserted)} addresses, ${integer(traced.new_refused)} refused, since coretap looks`],
      ['Into tried', `${integer(traced.tried)} addresses`],
    ]);
    const key = JSON.stringify(counted);
    if (key === drawnTables) return;
    drawnTables = key;
    if (counted.length === 0) return tables.replaceChildren();
    const th = (words: string, number = true): HTMLElement => h('th', { scope: 'col', class: number ? 'num' : '' }, words);
    tables.replaceChildren(
      h('table', { class: 'plain' }, h('thead', null, h('tr', null, th('Network', false), th('New'), th('Tried'), th('In all'))), h('tbody', null, ...counted.map(([name, row]) => h('tr', null, h('th', { scope: 'row' }, networkName(name)), h('td', { class: 'num' }, integer(row.new)), h('td', { class: 'num' }, integer(row.tried)), h('td', { class: 'num' }, integer(row.total)))))),
    );
  }
  function drawPeers(): void {
    const list = store
      .peers()
      .filter((peer) => (peer.addr?.entries_in ?? 0) > 0)
      .sort((a, b) => (b.addr!.rate_limited ?? 0) - (a.addr!.rate_limited ?? 0) || (b.addr!.entries_in ?? 0) - (a.addr!.entries_in ?? 0))
      .slice(0, 12);
    if (list.length === 0) return peers.replaceChildren(empty('No addresses yet', 'Peers send addresses now and then; who sends most shows here.', 'addr'));
    const th = (words: string, number = true): HTMLElement => h('th', { scope: 'col', class: number ? 'num' : '' }, words);
    const focused = document.activeElement?.getAttribute('href');
    peers.replaceChildren(
      h(
        'div',
        { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Peers that send most addresses' },
        h(
          'table',
          { class: 'plain' },
          h('thead', null, h('tr', null, th('Peer', false), th('Address', false), th('From it'), th('Rate limited'), th('Share'), th('Tokens left'), th('To it'))),
          h('tbody', null, ...list.map((peer) => h('tr', null, h('td', null, h('a', { href: `#/peers/${peer.id}` }, `peer ${peer.id}`)), h('td', { class: 'clip', title: safe(peer.address, 300) }, shortAddress(safe(peer.address, 300))), h('td', { class: 'num' }, integer(peer.addr?.entries_in)), h('td', { class: `num ${peer.addr?.rate_limited ? 'warn-text' : ''}` }, integer(peer.addr?.rate_limited)), h('td', { class: 'num' }, quantity(percent(peer.addr?.rate_limited, peer.addr?.entries_in))), h('td', { class: 'num', title: peer.addr?.exact ? 'exact' : 'estimated: not seen from its start' }, `${peer.addr?.exact ? '' : '≈ '}${peer.addr?.bucket?.toFixed(1) ?? '–'}`), h('td', { class: 'num' }, integer(peer.addr?.entries_out))))),
        ),
      ),
    );
    if (focused) [...peers.querySelectorAll('a')].find((link) => link.getAttribute('href') === focused)?.focus();
  }
  return { title: 'Addresses', el, update() {}, destroy: () => polling.stop() };
}
