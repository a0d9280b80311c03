// The bar over the views while a recording is shown: play and pause, a slider over its time, how fast.
import { post, type Replay } from '../api';
import { h, icon, setAttr, setText, show } from '../lib/dom';
import { safe } from '../lib/format';
import { Asked, laterSince, type Line, lineOf, speedChoices, speedName, utcTime } from '../lib/replay';

/** Keys that are held down, and second thoughts, are one change. */
const SETTLE_MS = 200;

export interface ReplayBar {
  el: HTMLElement;
  /** The section of the latest snapshot; undefined: no recording. */
  update(replay: Replay | undefined): void;
  /** Plays or pauses; false where there is nothing to. */
  toggle(): boolean;
}

export function makeReplayBar(announce: (words: string) => void): ReplayBar {
  const asked = new Asked();
  let shown: Replay | undefined;
  let line: Line = { from: 0, to: 0, at: 0, step: 1000, dated: false };
  /** Where the slider was put, until it is let go and the daemon has answered. */
  let held: number | undefined;
  let settle = 0;
  let sending = 0;

  const play = h('button', { class: 'icon-button', type: 'button', onclick: () => toggle() });
  const slider = h('input', { class: 'replay-slider', type: 'range', min: '0', 'aria-label': 'Time in the recording', oninput: drag, onchange: drop, onkeydown: (event) => event.key === ' ' && (event.preventDefault(), event.stopPropagation(), toggle()) });
  const [at, ends, note] = [h('strong'), h('span', { class: 'replay-ends' }), h('span', { class: 'replay-note', role: 'status' })];
  const speed = h('select', { class: 'picker', 'aria-label': 'Speed', onchange: () => void send({ speed: Number(speed.value) }) });
  const el = h('section', { class: 'replay', 'aria-label': 'Recording', hidden: true }, play, slider, h('span', { class: 'replay-time' }, at, ends), speed, note);

  function toggle(): boolean {
    if (!shown || play.disabled) return false;
    if (shown.ended) void send({ paused: false, at_utc_ms: line.from });
    else void send({ paused: !shown.paused });
    return true;
  }
  function drag(): void {
    held = Math.min(line.to ?? Infinity, line.from + Number(slider.value));
    window.clearTimeout(settle);
    draw();
  }
  function drop(): void {
    drag();
    settle = window.setTimeout(() => held !== undefined && void send({ at_utc_ms: held }), SETTLE_MS);
  }
  let said = '';
  async function send(wanted: { paused?: boolean; speed?: number; at_utc_ms?: number }): Promise<void> {
    said = '';
    sending++;
    try {
      const answer = await post<Replay>('replay', wanted);
      asked.put(answer, performance.now());
      if (shown) shown = answer;
      if (wanted.at_utc_ms !== undefined) announce(`Going to ${utcTime(answer.moving?.to_utc_ms ?? wanted.at_utc_ms, line)} UTC.`);
      else if (wanted.paused !== undefined) announce(wanted.paused ? 'Paused.' : 'Playing.');
    } catch (error) {
      said = (error as Error).message;
    }
    if (--sending === 0 && wanted.at_utc_ms === held) held = undefined;
    draw();
  }

  function draw(): void {
    show(el, shown !== undefined);
    document.body.classList.toggle('moving', shown?.moving != null);
    if (!shown) return;
    line = lineOf(shown);
    const { moving } = shown;
    const over = shown.ended === true && shown.movable === false;
    const goal = held ?? moving?.to_utc_ms;
    const there = goal ?? line.at;

    const action = shown.ended && !over ? 'Play from the beginning' : shown.paused || shown.ended ? 'Play' : 'Pause';
    if (play.dataset.action !== action) {
      play.dataset.action = action;
      play.replaceChildren(icon(action === 'Pause' ? 'pause' : 'play'));
      setAttr(play, 'aria-label', action);
      play.title = `${action} (Space)`;
    }
    play.disabled = over;
    speed.disabled = over;

    const span = (line.to ?? line.at) - line.from;
    show(slider, line.to !== undefined);
    slider.disabled = shown.movable === false;
    setAttr(slider, 'max', String(Math.ceil(span / line.step) * line.step));
    setAttr(slider, 'step', String(line.step));
    if (held === undefined) slider.value = String(there - line.from);
    slider.style.setProperty('--share', `${span > 0 ? Math.min(100, (100 * (there - line.from)) / span) : 0}%`);
    setAttr(slider, 'aria-valuetext', `${utcTime(there, line)} UTC`);

    setText(at, utcTime(there, line));
    // In one place, so that nothing jumps.
    setText(ends, moving ? ' UTC, going there…' : line.to === undefined ? ' UTC' : ` of ${utcTime(line.to, line)} UTC`);
    ends.title = `The recording begins at ${utcTime(line.from, { ...line, dated: true })} UTC`;
    setAttr(el, 'aria-busy', moving ? 'true' : null);

    const rate = shown.speed ?? 0;
    const choices = speedChoices(rate);
    if (choices.join() !== [...speed.options].map((option) => option.value).join())
      speed.replaceChildren(...choices.map((one) => h('option', { value: String(one) }, speedName(one))));
    if (document.activeElement !== speed || sending === 0) speed.value = String(rate);

    const since = laterSince(shown);
    setText(note, said ? safe(said) : since ? `What you see adds up since ${utcTime(since, line)}` : '');
    note.dataset.tone = said ? 'bad' : '';
    show(note, note.textContent !== '');
  }

  return {
    el,
    toggle,
    update(replay) {
      shown = replay && asked.over(replay, performance.now());
      draw();
    },
  };
}
