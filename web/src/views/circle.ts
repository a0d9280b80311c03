// Peers around the node, and messages as they fly. A canvas: a thousand of them a second are nothing for it, and too many for a DOM.
import type { Peer } from '../api';
import { h, icon, setAttr, setText, show } from '../lib/dom';
import { FAMILIES, familyOf } from '../lib/families';
import { byteRate, count, perSecond, safe, text } from '../lib/format';
import { seats, type Arc, type Seat } from '../lib/ring';
import { Sampler } from '../lib/sampling';
import { bars, empty, panel } from '../lib/widgets';
import type { Batch, Context, View } from '../view';
import { networkName } from './overview';

const FLIGHT_MS = 900;
const MAX_PER_SECOND = 1200;
const MAX_IN_FLIGHT = 2000;

interface Particle {
  seat: Seat;
  family: number;
  inbound: boolean;
  start: number;
  big: boolean;
}
// Survives a visit to another view.
const memory = { paused: false, hidden: new Set<number>() };

export function makeCircle({ store, go, announce }: Context): View {
  const still = matchMedia('(prefers-reduced-motion: reduce)');
  const sampler = new Sampler(MAX_PER_SECOND);
  const canvas = h('canvas', { class: 'circle-canvas', role: 'img', tabindex: '0', 'aria-label': 'Peers around the node; messages fly between them' });
  const stage = h('div', { class: 'circle-stage' }, canvas);
  const tip = h('div', { class: 'circle-tip', hidden: true, role: 'status' });
  const sampling = h('p', { class: 'sampling', role: 'status' });
  const pauseButton = h('button', { class: 'button', type: 'button', onclick: () => setPaused(!memory.paused) });
  const legend = h('div', { class: 'circle-legend' });
  const busiest = bars('Busiest peers', ['Peer', 'Traffic']);
  const none = h('div', { hidden: true });
  const families = FAMILIES.map((family, i) => {
    const rate = h('span', { class: 'q legend-rate' });
    const button = h(
      'button',
      { type: 'button', class: `legend-button f-${family.id}`, 'aria-pressed': String(!memory.hidden.has(i)), title: family.what, onclick: () => toggleFamily(i) },
      h('span', { class: 'dot', 'aria-hidden': 'true' }),
      h('span', null, family.name),
      rate,
    );
    legend.append(button);
    return { button, rate, seen: 0 };
  });
  const stillNote = h('p', { class: 'hint', hidden: true }, 'Your system asks for reduced motion: peers glow with their traffic once a second, nothing flies.');
  const el = h(
    'div',
    { class: 'view circle' },
    h('div', { class: 'view-head' }, h('h1', null, 'Circle'), h('div', { class: 'tools' }, sampling, pauseButton)),
    none,
    h('div', { class: 'circle-grid' }, h('div', { class: 'panel circle-panel' }, stage, tip, stillNote), h('div', { class: 'circle-side' }, panel('Messages', { hint: 'A second, both ways. Press to hide' }, legend), panel('Busiest peers', { hint: 'In + out, last seconds' }, busiest.el))),
  );

  // ---- geometry

  let size = 0;
  let ratio = 1;
  let layout: { seats: Seat[]; arcs: Arc[] } = { seats: [], arcs: [] };
  let seatOf = new Map<number, Seat>();
  let peerOf = new Map<number, Peer>();
  let hovered: Seat | undefined;
  const particles: Particle[] = [];
  const glow = new Map<number, number>();
  const backdrop = document.createElement('canvas');
  let dirty = true;
  let colors: { line: string; ink: string; muted: string; surface: string; accent: string; in: string; out: string; families: string[]; font: string } | undefined;

  const radius = (ring: number): number => (size / 2 - 46) * (1 - 0.09 * ring);
  const at = (seat: Seat, r = radius(seat.ring)): [number, number] => [size / 2 + Math.cos(seat.angle) * r, size / 2 + Math.sin(seat.angle) * r];
  function readColors(): void {
    const style = getComputedStyle(document.documentElement);
    const get = (name: string): string => style.getPropertyValue(name).trim();
    colors = { line: get('--line'), ink: get('--ink'), muted: get('--muted'), surface: get('--surface'), accent: get('--accent'), in: get('--in'), out: get('--out'), families: FAMILIES.map((family) => get(`--f-${family.id}`)), font: get('--font') };
    dirty = true;
  }
  function resize(): void {
    const next = Math.floor(Math.min(stage.clientWidth, Math.max(320, innerHeight - 190)));
    if (next < 50) return;
    ratio = Math.min(2, devicePixelRatio || 1);
    if (next === size && canvas.width === Math.round(size * ratio)) return;
    size = next;
    for (const one of [canvas, backdrop]) {
      one.width = Math.round(size * ratio);
      one.height = Math.round(size * ratio);
    }
    canvas.style.width = canvas.style.height = `${size}px`;
    place();
  }
  function place(): void {
    const peers = store.peers();
    peerOf = new Map(peers.map((peer) => [peer.id, peer]));
    for (const id of glow.keys()) if (!peerOf.has(id)) glow.delete(id);
    if (peers.length === seatOf.size && peers.every((peer) => seatOf.has(peer.id)) && !dirty && layout.seats.length) return;
    layout = seats(peers, Math.max(12, Math.floor((2 * Math.PI * (size / 2 - 46)) / 13)));
    seatOf = new Map(layout.seats.map((seat) => [seat.id, seat]));
    dirty = true;
  }

  // ---- drawing

  function drawBackdrop(): void {
    if (!colors) readColors();
    const c = colors!;
    const pen = backdrop.getContext('2d')!;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    pen.clearRect(0, 0, size, size);
    pen.strokeStyle = c.line;
    pen.lineWidth = 1;
    pen.globalAlpha = 0.55;
    pen.beginPath();
    for (const seat of layout.seats) {
      const [x, y] = at(seat);
      pen.moveTo(size / 2 + Math.cos(seat.angle) * 30, size / 2 + Math.sin(seat.angle) * 30);
      pen.lineTo(x, y);
    }
    pen.stroke();
    pen.globalAlpha = 1;
    pen.font = `600 11px ${c.font}`;
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    const outer = radius(0) + 14;
    for (const arc of layout.arcs) {
      pen.strokeStyle = c.line;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(size / 2, size / 2, outer, arc.from, arc.to);
      pen.stroke();
      const middle = (arc.from + arc.to) / 2;
      pen.save();
      pen.translate(size / 2 + Math.cos(middle) * (outer + 15), size / 2 + Math.sin(middle) * (outer + 15));
      // Along the circle, never upside down.
      const turn = middle + Math.PI / 2;
      pen.rotate(Math.sin(middle) > 0.15 ? turn + Math.PI : turn);
      pen.fillStyle = c.muted;
      const name = arc.network === 'other' ? 'other' : networkName(arc.network);
      if ((arc.to - arc.from) * outer > 44) pen.fillText(`${name} ${arc.count}`, 0, 0);
      else if ((arc.to - arc.from) * outer > 14) pen.fillText(name, 0, 0);
      pen.restore();
    }
    dirty = false;
  }
  const loudness = (id: number): number => {
    const rate = store.rates.of(id);
    return rate ? Math.min(1, Math.log10(1 + (rate.in + rate.out) / 20) / 3) : 0;
  };
  function drawPeers(pen: CanvasRenderingContext2D, now: number): void {
    const c = colors!;
    for (const seat of layout.seats) {
      const [x, y] = at(seat);
      const lit = Math.max(0, 1 - (now - (glow.get(seat.id) ?? -1e9)) / 500);
      const r = 2.6 + 3 * loudness(seat.id) + 1.2 * lit;
      pen.beginPath();
      pen.arc(x, y, r, 0, 7);
      pen.globalAlpha = 0.55 + 0.45 * lit;
      if (seat.inbound) {
        pen.fillStyle = c.in;
        pen.fill();
      } else {
        pen.fillStyle = c.surface;
        pen.globalAlpha = 1;
        pen.fill();
        pen.strokeStyle = c.out;
        pen.lineWidth = 2;
        pen.stroke();
      }
    }
    pen.globalAlpha = 1;
    if (hovered) {
      const [x, y] = at(hovered);
      pen.strokeStyle = c.accent;
      pen.lineWidth = 2;
      pen.beginPath();
      pen.arc(x, y, 10, 0, 7);
      pen.moveTo(size / 2 + Math.cos(hovered.angle) * 28, size / 2 + Math.sin(hovered.angle) * 28);
      pen.lineTo(size / 2 + Math.cos(hovered.angle) * (radius(hovered.ring) - 11), size / 2 + Math.sin(hovered.angle) * (radius(hovered.ring) - 11));
      pen.stroke();
    }
    pen.fillStyle = c.surface;
    pen.strokeStyle = c.accent;
    pen.lineWidth = 2.5;
    pen.beginPath();
    pen.arc(size / 2, size / 2, 24, 0, 7);
    pen.fill();
    pen.stroke();
    pen.fillStyle = c.ink;
    pen.font = `600 11px ${c.font}`;
    pen.textAlign = 'center';
    pen.textBaseline = 'middle';
    pen.fillText('node', size / 2, size / 2 + 0.5);
  }
  function drawParticles(pen: CanvasRenderingContext2D, now: number): void {
    const c = colors!;
    let keep = 0;
    const byFamily: Particle[][] = FAMILIES.map(() => []);
    for (const particle of particles) {
      if (now - particle.start > FLIGHT_MS) continue;
      particles[keep++] = particle;
      if (now >= particle.start && !memory.hidden.has(particle.family)) byFamily[particle.family]!.push(particle);
    }
    particles.length = keep;
    // One path a family: hundreds of strokes become six.
    pen.lineCap = 'round';
    byFamily.forEach((list, family) => {
      if (list.length === 0) return;
      pen.strokeStyle = c.families[family]!;
      for (const big of [false, true]) {
        pen.lineWidth = big ? 4.5 : 2.4;
        pen.beginPath();
        for (const particle of list) {
          if (particle.big !== big) continue;
          const t = (now - particle.start) / FLIGHT_MS;
          const head = ease(t);
          const tail = ease(Math.max(0, t - 0.07));
          const full = radius(particle.seat.ring) - 6;
          const along = (k: number): number => 28 + (full - 28) * (particle.inbound ? 1 - k : k);
          // In and out keep to their own side of the line, so that they do not run into each other.
          const side = particle.inbound ? 2 : -2;
          const cos = Math.cos(particle.seat.angle);
          const sin = Math.sin(particle.seat.angle);
          pen.moveTo(size / 2 + cos * along(tail) - sin * side, size / 2 + sin * along(tail) + cos * side);
          pen.lineTo(size / 2 + cos * along(head) - sin * side, size / 2 + sin * along(head) + cos * side);
        }
        pen.stroke();
      }
    });
  }
  const ease = (t: number): number => (t < 0.5 ? 2 * t * t : 1 - (2 - 2 * t) ** 2 / 2);

  let frame = 0;
  let clockNow = 0;
  let lastFrame = 0;
  function draw(stamp: number): void {
    frame = 0;
    if (!memory.paused) clockNow += Math.min(100, stamp - (lastFrame || stamp));
    lastFrame = stamp;
    if (size === 0) resize();
    if (dirty) drawBackdrop();
    const pen = canvas.getContext('2d')!;
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(backdrop, 0, 0);
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawParticles(pen, clockNow);
    drawPeers(pen, clockNow);
    if (!still.matches && !memory.paused) request();
  }
  function request(): void {
    frame ||= requestAnimationFrame(draw);
  }

  // ---- pointing

  function nearest(event: PointerEvent | MouseEvent): Seat | undefined {
    const box = canvas.getBoundingClientRect();
    const [px, py] = [event.clientX - box.left, event.clientY - box.top];
    let best: Seat | undefined;
    let least = 22;
    for (const seat of layout.seats) {
      const [x, y] = at(seat);
      const d = Math.hypot(px - x, py - y);
      if (d < least) ((best = seat), (least = d));
    }
    return best;
  }
  function point(seat: Seat | undefined): void {
    hovered = seat;
    show(tip, seat !== undefined);
    canvas.style.cursor = seat ? 'pointer' : '';
    const peer = seat && peerOf.get(seat.id);
    if (seat && peer) {
      const rate = store.rates.of(seat.id);
      tip.replaceChildren(h('strong', null, `Peer ${seat.id}`), h('span', { class: 'tip-address' }, safe(peer.address, 80)), h('span', null, `${networkName(peer.network)} · ${peer.inbound ? 'inbound' : 'outbound'} · ${safe(peer.version?.user_agent, 60)}`), h('span', null, `${text(byteRate(rate?.in))} in · ${text(byteRate(rate?.out))} out`));
      const [x, y] = at(seat);
      const box = canvas.offsetLeft;
      tip.style.left = `${Math.min(Math.max(8, box + x - 130), Math.max(8, stage.clientWidth - 268))}px`;
      tip.style.top = `${canvas.offsetTop + (y > size / 2 ? y - 108 : y + 18)}px`;
    }
    request();
  }
  canvas.addEventListener('pointermove', (event) => point(nearest(event)));
  canvas.addEventListener('pointerleave', () => point(undefined));
  canvas.addEventListener('click', (event) => {
    const seat = nearest(event);
    if (seat) go(`#/peers/${seat.id}`);
  });
  canvas.addEventListener('blur', () => point(undefined));

  function setPaused(paused: boolean): void {
    memory.paused = paused;
    pauseButton.replaceChildren(icon(paused ? 'play' : 'pause'), paused ? 'Go on' : 'Pause');
    if (!paused) particles.length = 0;
    announce(paused ? 'Paused.' : 'Running.');
    request();
  }
  function toggleFamily(i: number): void {
    if (memory.hidden.has(i)) memory.hidden.delete(i);
    else memory.hidden.add(i);
    setAttr(families[i]!.button, 'aria-pressed', String(!memory.hidden.has(i)));
    request();
  }
  const onTheme = (): void => (readColors(), request());
  document.addEventListener('themechange', onTheme);
  const onMotion = (): void => (show(stillNote, still.matches), request());
  still.addEventListener('change', onMotion);
  const observer = new ResizeObserver(() => (resize(), request()));
  observer.observe(stage);
  setPaused(memory.paused);
  show(stillNote, still.matches);

  let lastBatch = 0;
  let ratesFrom = performance.now();
  let factor = 1;
  return {
    title: 'Circle',
    el,
    subscription: { filter: { only: ['net:inbound_message', 'net:outbound_message'] }, decode: 'off', max_events_per_s: 2 * MAX_PER_SECOND },
    events({ events, sampledOut }: Batch) {
      const now = performance.now();
      const span = Math.min(1000, Math.max(20, now - (lastBatch || now - 50)));
      lastBatch = now;
      sampler.leftOut(sampledOut, now);
      factor = events.length ? (events.length + sampledOut) / events.length : factor;
      for (const event of events) families[familyOf(String(event.args.msg_type))]!.seen += factor;
      const chosen = sampler.take(events.length, now);
      if (memory.paused || document.hidden) return;
      for (const index of chosen) {
        const event = events[index]!;
        const seat = seatOf.get(Number(event.args.peer_id));
        if (!seat || particles.length >= MAX_IN_FLIGHT) {
          sampler.undrawn(1, now);
          continue;
        }
        glow.set(seat.id, clockNow);
        // Spread over the time that the batch stands for: else they fly in waves.
        if (!still.matches) particles.push({ seat, family: familyOf(String(event.args.msg_type)), inbound: event.event === 'net:inbound_message', start: clockNow + (span * index) / events.length, big: Number(event.args.size) > 10_000 });
      }
      if (!still.matches) request();
    },
    update() {
      place();
      const now = performance.now();
      const peers = store.peers();
      show(none, peers.length === 0);
      if (peers.length === 0 && !none.firstChild) none.replaceChildren(empty('No peers yet', 'Peers take their seats around the node as soon as they connect or speak.', 'circle'));
      setText(sampling, memory.paused ? 'Paused' : still.matches ? `${text(perSecond(sampler.rate(now), 'messages'))}` : `${sampler.words} · ${text(perSecond(sampler.rate(now), 'messages'))}`);
      if (now - ratesFrom > 900) {
        const seconds = (now - ratesFrom) / 1000;
        for (const family of families) {
          setText(family.rate, text(perSecond(family.seen / seconds)));
          family.seen = 0;
        }
        ratesFrom = now;
      }
      const loud = peers
        .map((peer) => ({ peer, rate: store.rates.of(peer.id) ?? { in: 0, out: 0 } }))
        .sort((a, b) => b.rate.in + b.rate.out - a.rate.in - a.rate.out)
        .slice(0, 8);
      busiest.set(
        loud.map(({ peer, rate }) => ({ label: `${peer.id} · ${networkName(peer.network)}`, href: `#/peers/${peer.id}`, value: rate.in, color: 'c--in', more: { value: rate.out, color: 'c--out' }, shown: byteRate(rate.in + rate.out), title: safe(peer.address, 80) })),
        'Nobody speaks.',
      );
      const inbound = peers.filter((peer) => peer.inbound).length;
      setAttr(canvas, 'aria-label', `${text(count(peers.length))} peers around the node, ${inbound} inbound and ${peers.length - inbound} outbound. Messages fly between them; the numbers beside say the same. Left and right arrows point at a peer, Enter opens it.`);
      request();
    },
    key(event) {
      if (event.key === ' ' && !(document.activeElement instanceof HTMLButtonElement)) return setPaused(!memory.paused), true;
      if (document.activeElement !== canvas) return false;
      if (event.key === 'ArrowRight' || event.key === 'ArrowLeft') {
        const index = hovered ? layout.seats.indexOf(hovered) : -1;
        const n = layout.seats.length;
        if (n > 0) point(layout.seats[(index + (event.key === 'ArrowRight' ? 1 : -1) + n) % n]);
        return true;
      }
      if (event.key === 'Enter' && hovered) return go(`#/peers/${hovered.id}`), true;
      if (event.key === 'Escape' && hovered) return point(undefined), true;
      return false;
    },
    destroy() {
      cancelAnimationFrame(frame);
      observer.disconnect();
      document.removeEventListener('themechange', onTheme);
      still.removeEventListener('change', onMotion);
    },
  };
}
