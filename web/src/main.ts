// The frame around the views: navigation, node, connection, theme, keys.
import './style/base.css';
import './style/views.css';
import { SNAPSHOTS_ONLY } from './api';
import { Connection } from './connection';
import { redrawCharts } from './lib/charts';
import { h, icon, setAttr, setText, show } from './lib/dom';
import { clock, safe } from './lib/format';
import { openHelp } from './lib/help';
import { empty, skeleton } from './lib/widgets';
import { Store } from './store';
import type { Context, MakeView, View } from './view';
import { makeAddr } from './views/addr';
import { makeBlocks } from './views/blocks';
import { makeCircle } from './views/circle';
import { makeConnections } from './views/connections';
import { makeMempool } from './views/mempool';
import { makeMessages } from './views/messages';
import { makeOverview } from './views/overview';
import { makePeer } from './views/peer';
import { makePeers } from './views/peers';
import { makeReplayBar } from './views/replay_bar';
import { makeUtxo } from './views/utxo';

interface Entry {
  id: string;
  name: string;
  key: string;
  make: MakeView;
}
const VIEWS: readonly Entry[] = [
  { id: 'overview', name: 'Overview', key: 'o', make: makeOverview },
  { id: 'peers', name: 'Peers', key: 'p', make: (context, rest) => (rest[0] === 'totals' ? makeConnections(context, rest) : rest[0] && rest[0] !== 'closed' ? makePeer(context, rest) : makePeers(context, rest)) },
  { id: 'circle', name: 'Circle', key: 'c', make: makeCircle },
  { id: 'blocks', name: 'Blocks', key: 'b', make: makeBlocks },
  { id: 'mempool', name: 'Mempool', key: 'm', make: makeMempool },
  { id: 'utxo', name: 'UTXO cache', key: 'u', make: makeUtxo },
  { id: 'messages', name: 'Messages', key: 't', make: makeMessages },
  { id: 'addr', name: 'Addresses', key: 'a', make: makeAddr },
];

const store = new Store();
let view: View | undefined;
let viewKey = '';
let current: Entry = VIEWS[0]!;

// ---- the frame ---------------------------------------------------------------------------------------------------------------

const links = VIEWS.map((entry) => h('a', { href: `#/${entry.id}`, class: 'nav-link', 'data-view': entry.id, title: `${entry.name} (g ${entry.key})` }, icon(entry.id), h('span', null, entry.name)));
const picker = h('select', { class: 'picker', 'aria-label': 'Node', onchange: () => chooseNode(picker.value) });
const nodeName = h('span', { class: 'node-name' });
const pill = h('span', { class: 'pill', 'data-tone': '' });
const asOf = h('span', { class: 'as-of' });
const themeButton = h('button', { class: 'icon-button', type: 'button', onclick: toggleTheme });
const helpButton = h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Keyboard help', title: 'Keyboard help (?)', onclick: () => openHelp(VIEWS) }, icon('help'));
const banner = h('div', { class: 'banner', role: 'status', hidden: true });
const bannerText = h('span');
const retry = h('button', { class: 'button small', type: 'button', onclick: () => connection.hurry() }, 'Try now');
banner.append(icon('unplug'), bannerText, retry);
const replay = makeReplayBar((words) => context.announce(words));
const main = h('main', { id: 'main', tabindex: '-1' }, skeleton(6));
const live = h('div', { class: 'sr', 'aria-live': 'polite' });
document.getElementById('app')!.replaceChildren(
  h('a', { class: 'skip', href: '#main', onclick: (event) => (event.preventDefault(), main.focus()) }, 'Skip to content'),
  h(
    'header',
    { class: 'top' },
    h('a', { class: 'brand', href: '#/overview', 'aria-label': 'coretap: overview' }, icon('circle'), h('span', null, 'coretap')),
    h('div', { class: 'top-node' }, nodeName, picker, pill),
    h('div', { class: 'top-right' }, asOf, themeButton, helpButton),
  ),
  h('nav', { class: 'side', 'aria-label': 'Views' }, ...links),
  h('div', { class: 'content' }, banner, replay.el, main),
  live,
);

const context: Context = {
  store,
  go: (hash) => (location.hash = hash),
  announce: (words) => setText(live, words),
};

// ---- data --------------------------------------------------------------------------------------------------------------------

const socketUrl = new URL('ws', document.baseURI);
socketUrl.protocol = socketUrl.protocol === 'https:' ? 'wss:' : 'ws:';
const connection = new Connection(socketUrl.href, {
  frame(frame) {
    switch (frame.type) {
      case 'hello':
        store.error = ''; // it took the subscription
        if (!frame.resumed || frame.missed) view?.gap?.(frame.seq ?? 0);
        break;
      case 'snapshot': {
        store.take(frame.snapshot);
        mount(); // anew if this is the first one, or about another node
        break;
      }
      case 'events':
        view?.events?.({ events: frame.events, sampledOut: (frame.sampled_out ?? 0) + (frame.dropped ?? 0) });
        break;
      case 'moved':
        rebuild();
        break;
      case 'error':
        store.error = frame.message ?? 'The daemon refused the subscription.';
        refresh();
        break;
    }
  },
  status(status) {
    const was = store.status.phase;
    store.status = status;
    if (was !== 'open' && status.phase === 'open' && store.snapshot) context.announce('Connected again.');
    refresh();
  },
});

let subscribedNode: string | undefined;
function subscribe(): void {
  const wanted = view?.subscription ?? SNAPSHOTS_ONLY;
  const node = (subscribedNode = store.nodeParam());
  connection.subscribe(node ? { ...wanted, filter: { ...wanted.filter, node: [node] } } : wanted);
}
function chooseNode(label: string): void {
  store.choose(label);
  // A peer or a block is one node's own.
  if (parse()[1].length > 0) location.hash = `#/${current.id}`;
  else mount(true);
  context.announce(`Node ${safe(label, 40)}`);
}
function nextNode(): void {
  const labels = (store.snapshot?.nodes ?? []).map((one) => one.label);
  if (labels.length > 1) chooseNode(labels[(labels.indexOf(store.node ?? '') + 1) % labels.length]!);
}

// ---- routes ------------------------------------------------------------------------------------------------------------------

function parse(): [Entry, string[]] {
  const [id, ...rest] = location.hash.replace(/^#\/?/, '').split('/').map(decode);
  return [VIEWS.find((entry) => entry.id === id) ?? VIEWS[0]!, rest.filter(Boolean)];
}
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
function mount(force = false, focus = false): void {
  const [entry, rest] = parse();
  const nodeless = store.snapshot !== undefined && !store.current();
  const key = `${entry.id} ${rest.join('/')} ${store.current()?.label ?? ''} ${String(store.snapshot !== undefined)} ${String(nodeless)}`;
  if (!force && key === viewKey) {
    if (subscribedNode !== store.nodeParam()) subscribe(); // a second node came: events of the one that is looked at
    return refresh();
  }
  viewKey = key;
  if (!force && entry === current && view?.route?.(rest)) return refresh();
  view?.destroy?.();
  view = undefined;
  current = entry;
  for (const link of links) setAttr(link, 'aria-current', link.dataset.view === entry.id ? 'page' : null);
  const link = links.find((one) => one.dataset.view === entry.id);
  if (link && link.offsetParent && innerWidth < 900) link.scrollIntoView({ block: 'nearest', inline: 'center' });
  if (!store.snapshot) main.replaceChildren(h('h1', { class: 'sr' }, entry.name), skeleton(6));
  else if (nodeless) main.replaceChildren(h('h1', { class: 'sr' }, 'No node'), empty('No node yet', 'coretap looks for running bitcoind processes. As soon as one is there, it shows up here.', 'circle'));
  else {
    view = entry.make(context, rest);
    main.replaceChildren(view.el);
    subscribe();
    window.scrollTo(0, 0);
  }
  setAttr(main, 'aria-busy', store.snapshot ? null : 'true');
  if (focus) main.focus({ preventScroll: true });
  refresh();
}

/** What the view has gathered is of another time; what it wants is the same. */
function rebuild(): void {
  if (!view) return;
  const scrolled = window.scrollY;
  view.destroy?.();
  view = current.make(context, parse()[1]);
  main.replaceChildren(view.el);
  refresh();
  window.scrollTo(0, scrolled);
}

// ---- what changes every second -----------------------------------------------------------------------------------------------

function refresh(): void {
  const node = store.current();
  const { phase } = store.status;
  const title = [view?.title ?? current.name, node ? safe(node.label, 40) : '', 'coretap'].filter(Boolean).join(' · ');
  if (document.title !== title) document.title = title;

  const nodes = store.snapshot?.nodes ?? [];
  show(picker, nodes.length > 1);
  show(nodeName, nodes.length <= 1);
  setText(nodeName, node ? safe(node.label, 40) : '');
  const options = nodes.map((one) => ({ label: one.label, words: `${safe(one.label, 40)}${one.running === false && !store.snapshot?.replay ? ' (ended)' : ''}` }));
  if ([...picker.options].map((option) => `${option.value} ${option.text}`).join('\n') !== options.map(({ label, words }) => `${label} ${words}`).join('\n'))
    picker.replaceChildren(...options.map(({ label, words }) => h('option', { value: label }, words)));
  if (node && picker.value !== node.label) picker.value = node.label;

  const [words, tone] =
    phase !== 'open' ? (store.snapshot ? ['Not connected', 'bad'] : ['Connecting', '']) : !node ? ['No node', 'warn'] : store.snapshot?.replay ? ['Replay', 'accent'] : node.running === false ? ['Stopped', 'bad'] : ['Running', 'ok'];
  setText(pill, words!);
  pill.dataset.tone = tone!;
  setText(asOf, store.snapshot ? clock(store.now()) : '');
  asOf.title = phase === 'open' ? 'Time of what you see' : 'Time of the last snapshot';

  const lost = phase !== 'open' && (store.status.attempts > 0 || store.snapshot !== undefined);
  document.body.classList.toggle('stale', lost);
  if (lost) {
    const wait = Math.max(0, Math.ceil((store.status.retryAt - performance.now()) / 1000));
    const what = store.status.everOpen ? 'Connection lost.' : 'The daemon cannot be reached.';
    const then = phase === 'waiting' ? `Trying again in ${wait} s.` : 'Trying again…';
    setText(bannerText, `${what} ${then}${store.snapshot ? ` You see what was at ${clock(store.snapshot.utc_ms)}.` : ''}`);
    if (!store.snapshot && store.status.attempts >= 2 && !main.querySelector('.unreachable')) {
      const words = empty('The daemon cannot be reached', 'Is coretap serve running? This page connects by itself as soon as it answers.', 'unplug');
      words.classList.add('unreachable');
      main.replaceChildren(h('h1', { class: 'sr' }, 'Not connected'), words);
    }
  } else if (store.error) setText(bannerText, `The daemon says: ${safe(store.error)}`);
  show(banner, lost || store.error !== '');
  show(retry, lost);
  replay.update(store.snapshot?.replay);
  view?.update();
}

// ---- theme -------------------------------------------------------------------------------------------------------------------

function isDark(): boolean {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}
function showTheme(): void {
  themeButton.replaceChildren(icon(isDark() ? 'sun' : 'moon'));
  const words = isDark() ? 'Light theme' : 'Dark theme';
  setAttr(themeButton, 'aria-label', words);
  themeButton.title = words;
  redrawCharts();
  document.dispatchEvent(new Event('themechange'));
}
function toggleTheme(): void {
  const theme = isDark() ? 'light' : 'dark';
  document.documentElement.dataset.theme = theme;
  try {
    localStorage.setItem('coretap.theme', theme);
  } catch {
    // Not remembered, then.
  }
  showTheme();
}
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', showTheme);

// ---- keys --------------------------------------------------------------------------------------------------------------------

let goUntil = 0;
document.addEventListener('keydown', (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector('dialog[open]')) return; // it has its own
  const target = event.target as HTMLElement;
  const typing = target.matches('input, select, textarea');
  if (event.key === 'Escape' && typing) return target.blur();
  if (typing) return;
  if (performance.now() < goUntil) {
    goUntil = 0;
    const entry = VIEWS.find((one) => one.key === event.key);
    if (entry) {
      event.preventDefault();
      location.hash = `#/${entry.id}`;
      return;
    }
  }
  if (event.key === ' ' && !target.closest('button, a, summary, [role=button]') && replay.toggle()) return event.preventDefault();
  if (view?.key?.(event)) return event.preventDefault();
  if (event.key === 'g') goUntil = performance.now() + 1500;
  else if (event.key === '?') openHelp(VIEWS);
  else if (event.key === '/') {
    event.preventDefault();
    if (current.id !== 'peers' || parse()[1].length > 0) location.hash = '#/peers';
    // The view is built by the hashchange, which comes after this.
    setTimeout(() => document.querySelector<HTMLInputElement>('input[type=search]')?.focus(), 60);
  } else if (event.key === 'd') toggleTheme();
  else if (event.key === 'n') nextNode();
});

window.addEventListener('hashchange', () => mount(false, true));
setInterval(() => {
  if (store.status.phase === 'waiting') refresh();
  else setText(asOf, store.snapshot ? clock(store.now()) : '');
}, 500);
showTheme();
mount();
connection.start();
