// Times of addresses as ages. Pure.
import type { Hist } from '../api';

/**
 * The daemon counts entry's time less now: negative is the past. An age is the negative of that, so the columns turn round; whatever is
 * said to be ahead of now is one column, of bound 0.
 */
export function agesOf(offsets: Hist | undefined): Hist | undefined {
  if (!offsets) return undefined;
  const bounds: number[] = [];
  const counts: number[] = [];
  let ahead = 0;
  for (let i = offsets.counts.length - 1; i >= 0; i--) {
    const below = offsets.bounds[i - 1]; // times of this column are later than that: ages below its negative
    if (below !== undefined && below > 0) {
      ahead += offsets.counts[i]!;
      continue;
    }
    if (below === undefined) counts.push(offsets.counts[i]!);
    else {
      bounds.push(below === 0 ? 0 : -below);
      counts.push(offsets.counts[i]! + (below === 0 ? ahead : 0));
    }
  }
  return { bounds, counts, sum: -offsets.sum, count: offsets.count };
}
