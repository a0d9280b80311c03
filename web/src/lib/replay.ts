// A recording's time line, without the page: how times are written, how far a key moves, what a section of the daemon's means.
import type { Replay } from '../api';

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const STEPS = [0.01, 0.1, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600].map((seconds) => seconds * SECOND);

export interface Line {
  from: number;
  /** Not known of a pipe. */
  to: number | undefined;
  at: number;
  /** A thousandth of it, rounded up to something that people count in. */
  step: number;
  /** Times need a date beside them. */
  dated: boolean;
}
export function lineOf(replay: Replay): Line {
  const from = replay.from_utc_ms ?? 0;
  const to = typeof replay.to_utc_ms === 'number' && replay.to_utc_ms >= from ? replay.to_utc_ms : undefined;
  const at = Math.min(to ?? Infinity, Math.max(from, replay.at_utc_ms ?? from));
  const span = (to ?? at) - from;
  return { from, to, at, step: STEPS.find((step) => step * 1000 >= span) ?? DAY, dated: span >= DAY || Math.floor(from / DAY) !== Math.floor((to ?? at) / DAY) };
}

const pad = (n: number, width = 2): string => String(n).padStart(width, '0');
/** UTC: a recording may be of a machine anywhere. Tenths where the line is so short that they tell times apart. */
export function utcTime(ms: number, line: Pick<Line, 'dated' | 'step'>): string {
  const tenths = line.step < SECOND;
  const d = new Date(tenths ? ms : Math.floor(ms / SECOND) * SECOND);
  const time = `${pad(d.getUTCHours())}:${pad(d.getUTCMinutes())}:${pad(d.getUTCSeconds())}${tenths ? `.${Math.floor(d.getUTCMilliseconds() / 100)}` : ''}`;
  return line.dated ? `${d.getUTCFullYear()}-${pad(d.getUTCMonth() + 1)}-${pad(d.getUTCDate())} ${time}` : time;
}

export const SPEEDS = [1, 10, 100, 0];
export const speedName = (speed: number): string => (speed === 0 ? 'As fast as it goes' : `${speed}×`);
/** To choose from: the usual ones, and what it is. */
export function speedChoices(speed: number): number[] {
  return SPEEDS.includes(speed) ? SPEEDS : [...SPEEDS, speed].sort((a, b) => (a || Infinity) - (b || Infinity));
}

/** From when the state adds up, where that is not the beginning. */
export function laterSince(replay: Replay): number | undefined {
  const since = replay.state_since_utc_ms;
  return since !== undefined && since > (replay.from_utc_ms ?? 0) + SECOND ? since : undefined;
}

/** What was asked for holds until the daemon shows it: a snapshot may have been on its way already. */
export class Asked {
  static readonly PATIENCE_MS = 2000;
  #answer: Replay | undefined;
  #until = 0;

  put(answer: Replay, now: number): void {
    this.#answer = answer;
    this.#until = now + Asked.PATIENCE_MS;
  }
  /** The one that is nearer to what will be. */
  over(shown: Replay, now: number): Replay {
    const answer = this.#answer;
    if (!answer) return shown;
    const same = shown.paused === answer.paused && shown.speed === answer.speed;
    const there = answer.moving ? (shown.moves ?? 0) > (answer.moves ?? 0) || shown.moving?.to_utc_ms === answer.moving.to_utc_ms : same;
    if (there || now >= this.#until) {
      this.#answer = undefined;
      return shown;
    }
    return answer;
  }
}
