// Counts by name, for a list of bars. Pure.
/** Largest first; `other` is no name and comes last. */
export function ranked(all: Record<string, number> | undefined, limit: number): [string, number][] {
  const list = Object.entries(all ?? {}).filter(([, n]) => n > 0);
  list.sort((a, b) => Number(a[0] === 'other') - Number(b[0] === 'other') || b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  if (list.length <= limit) return list;
  const rest = list.slice(limit - 1).reduce((total, [, n]) => total + n, 0);
  return [...list.slice(0, limit - 1), ['other', rest]];
}
