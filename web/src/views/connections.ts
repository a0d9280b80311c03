// Peers in sum: who came and left since coretap looks, and what they said of themselves.
import type { Connections, Messages } from '../api';
import { h } from '../lib/dom';
import { count, integer, percent, safe, text } from '../lib/format';
import { bars, histogram, panel, Place, poll, tabs, tile, tiles, type Bar } from '../lib/widgets';
import { ranked } from '../lib/ranked';
import type { Context, View } from '../view';
import { spanOf } from './mempool';
import { NETWORKS, networkName } from './overview';
import { PEER_TABS } from './peers';

const sum = (all: Record<string, number> | undefined): number => Object.values(all ?? {}).reduce((total, n) => total + n, 0);
export function makeConnections({ store }: Context, _rest: string[]): View {
  const inbound = tile('Connected to us');
  const outbound = tile('We connected to');
  const closed = tile('Closed');
  const evicted = tile('Evicted');
  const misbehaved = tile('Misbehaved');
  const byNetwork = bars('Inbound connections by network', ['Network', 'Connections']);
  const byType = bars('Outbound connections by type', ['Type', 'Connections']);
  const closedTypes = bars('Closed connections by type', ['Type', 'Connections']);
  const reasons = bars('Misbehaviour by reason', ['Reason', 'Times']);
  const ages = histogram('How long closed connections had lasted', spanOf, '');
  const pings = histogram('Round trips of pings', spanOf, '');
  const agents = bars('User agents', ['User agent', 'Version messages']);
  const services = bars('Services', ['Service', 'Version messages']);
  const versions = bars('Protocol versions', ['Version', 'Version messages']);
  const content = h(
    'div',
    null,
    tiles(inbound, outbound, closed, evicted, misbehaved),
    h(
      'div',
      { class: 'grid halves' },
      panel('User agents', { hint: 'Of peers that introduced themselves; rare ones are other' }, agents.el),
      panel('Services', { hint: 'What they offer' }, services.el, h('h3', null, 'Protocol version'), versions.el),
      panel('Came in', { hint: 'By network' }, byNetwork.el),
      panel('Went out', { hint: 'By type of connection' }, byType.el),
      panel('How long they stayed', { hint: 'Of connections that were closed' }, ages.el),
      panel('Round trips', { hint: 'Of our pings' }, pings.el),
      panel('Closed', { hint: 'By type of connection' }, closedTypes.el),
      panel('Misbehaviour', { hint: 'In Bitcoin Core’s words' }, reasons.el),
    ),
  );
  const place = new Place(content);
  const el = h('div', { class: 'view' }, h('div', { class: 'view-head' }, h('h1', null, 'Peers in sum'), tabs('Which peers', PEER_TABS, '#/peers/totals'), h('p', { class: 'hint' }, 'Since coretap looks')), place.el);
  const list = (all: Record<string, number> | undefined, limit: number, color: string, name: (key: string) => string, unit = ''): Bar[] => {
    const whole = sum(all);
    return ranked(all, limit).map(([key, n]) => ({ label: name(key), value: n, color, shown: count(n, unit), title: `${name(key)}: ${integer(n)}, ${text(percent(n, whole))}` }));
  };
  const said = (key: string): string => safe(key, 128) || '(nothing)';
  const polling = poll<Messages>(
    'messages',
    () => ({ node: store.nodeParam() }),
    3000,
    (messages) => {
      place.ready();
      agents.set(list(messages.user_agents, 14, 'c--in', said), 'Nobody introduced themselves yet.');
      const introduced = sum(messages.protocol_versions);
      services.set(
        ranked(messages.version_services, 12).map(([name, n]) => ({ label: safe(name, 40), value: n, color: 'c--f-addr', shown: percent(n, introduced), title: `${integer(n)} of ${integer(introduced)}` })),
        'Nobody introduced themselves yet.',
      );
      versions.set(list(messages.protocol_versions, 6, 'c--f-ping', said), 'None yet.');
      pings.set(messages.ping_seconds);
    },
    (error) => place.failed(error, () => polling.now()),
  );
  function draw(all: Connections): void {
    const now = store.current();
    inbound.set(count(sum(all.inbound)), `${integer(now?.peers_in)} are here now`);
    outbound.set(count(sum(all.outbound)), `${integer(now?.peers_out)} are here now`);
    closed.set(count(sum(all.closed)), 'connections ended');
    evicted.set(count(all.evicted), 'inbound, to make room');
    misbehaved.set(count(sum(all.misbehaving), 'times'), sum(all.misbehaving) === 0 ? 'nobody' : `${integer(Object.keys(all.misbehaving ?? {}).length)} reasons`);
    byNetwork.set(
      ranked(all.inbound, 8)
        .sort((a, b) => NETWORKS.indexOf(a[0]) - NETWORKS.indexOf(b[0]))
        .map(([name, n]) => ({ label: networkName(name), value: n, color: 'c--in' })),
      'Nobody connected since coretap looks.',
    );
    byType.set(list(all.outbound, 8, 'c--out', said), 'No outbound connection was made since coretap looks.');
    closedTypes.set(list(all.closed, 8, 'c--f-ping', said), 'Nobody left.');
    reasons.set(list(all.misbehaving, 10, 'c--f-block', said), 'Nobody misbehaved.');
    ages.set(all.closed_age_seconds);
  }
  return {
    title: 'Peers in sum',
    el,
    update: () => draw(store.current()?.connections ?? {}),
    destroy: () => polling.stop(),
  };
}
