// Whether the node is well, in words: what stands at the top of the overview. Pure.
import type { NodeOverview, Snapshot } from '../api';
import { age, count, percent, safe, text } from './format';
import { sinceBlockTone } from './tone';

export interface Remark {
  tone: '' | 'warn' | 'bad';
  words: string;
}
/** Until then the first connections and blocks are still being met. */
const SETTLED_NS = 60e9;

/** What there is to say about the node, the gravest first; none: nothing is wrong with it. `lostLately`: events, in the last minute or two. */
export function remarks(snapshot: Snapshot, node: NodeOverview, nowMs: number, lostLately: number): Remark[] {
  const out: Remark[] = [];
  const say = (tone: Remark['tone'], words: string): void => void out.push({ tone, words });
  const rpc = snapshot.rpc?.nodes?.[node.label];
  const chain = rpc?.blockchain;
  const [peersIn, peersOut] = [node.peers_in ?? 0, node.peers_out ?? 0];
  const settled = (snapshot.self?.uptime_ns ?? Infinity) > SETTLED_NS;
  const live = node.running !== false && !snapshot.replay;

  if (node.running === false && !snapshot.replay) say('bad', 'The node has ended. This is what was known of it.');
  if (lostLately > 0) say('bad', `${text(count(lostLately, 'events'))} were lost in the last two minutes: what you see is not all.`);
  if (live && settled && peersIn + peersOut === 0) say('warn', 'Nobody is connected.');
  else if (live && settled && peersOut === 0) say('warn', 'It has no outbound peer: whom it hears is up to others.');
  const tip = node.chain_totals?.tip_utc_ms;
  const syncing = chain?.initialblockdownload === true;
  const sinceTip = tip ? (nowMs - tip) / 1000 : undefined;
  if (live && !syncing && sinceBlockTone(sinceTip)) say(sinceBlockTone(sinceTip), `No block for ${age(sinceTip)}.`);
  if (syncing) say('', `It is still syncing: ${text(percent(chain?.verificationprogress, 1))} verified.`);
  for (const warning of new Set([...(chain?.warnings ?? []), ...(rpc?.network?.warnings ?? [])])) say('warn', `The node warns: ${safe(warning, 200)}`);
  if (rpc?.network?.networkactive === false) say('warn', 'Its network is switched off.');
  if (rpc?.state && rpc.state !== 'ok' && rpc.state !== 'not_tried') say('', `Its RPC does not answer: ${safe(rpc.state_text, 160) || rpc.state}.`);
  for (const attached of snapshot.self?.attachments ?? [])
    if (attached.path === node.executable) for (const problem of attached.problems ?? []) say('warn', `Not all of it can be traced: ${safe(problem, 160)}`);
  const grave = { bad: 0, warn: 1, '': 2 };
  return out.sort((a, b) => grave[a.tone] - grave[b.tone]);
}

export interface Health {
  tone: 'ok' | 'warn' | 'bad';
  title: string;
  words: string;
}
export function health(snapshot: Snapshot, node: NodeOverview, nowMs: number, lostLately: number): Health {
  const list = remarks(snapshot, node, nowMs, lostLately);
  const tone = list[0]?.tone || 'ok';
  const lost = snapshot.losses?.total ?? 0;
  const words = list.map((remark) => remark.words);
  if (tone === 'ok') {
    const blocks = node.chain_totals?.blocks ?? 0;
    words.push(blocks > 0 ? 'Peers are connected, blocks arrive.' : (node.peers_in ?? 0) + (node.peers_out ?? 0) > 0 ? 'Peers are connected; no block came yet since coretap looks.' : 'Nothing was heard of it yet.');
    words.push(lost > 0 ? 'Some events were lost earlier.' : 'No event was lost.');
  }
  return { tone, title: { ok: snapshot.replay ? 'As recorded' : 'All is well', warn: 'Worth a look', bad: 'Not well' }[tone], words: words.join(' ') };
}
