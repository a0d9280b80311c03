/** Blocks come every ten minutes; after an hour something may be wrong, after two it is. */
export function sinceBlockTone(seconds: number | undefined): '' | 'warn' | 'bad' {
  return seconds === undefined || seconds < 3600 ? '' : seconds < 7200 ? 'warn' : 'bad';
}
