/** Milliseconds per unit: PostgreSQL's own units and the ones of our config. */
const units: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['min', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** The greatest value of `lock_timeout` and `statement_timeout`, in ms (about 24 days). */
const GREATEST = 2_147_483_647;

/**
 * A duration such as `500ms`, `5s`, `10m`, `1h` or `0` (none), in ms; undefined: it is none.
 * A bare number is none: to PostgreSQL it would be milliseconds, to the config seconds.
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const match = /^(\d{1,10})\s?([a-z]+)$/.exec(text);
  const unit = units.get(match?.[2] ?? '');
  if (match === null || unit === undefined) return undefined;
  const duration = Number(match[1]) * unit;
  return duration <= GREATEST ? duration : undefined;
}
