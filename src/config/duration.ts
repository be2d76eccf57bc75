const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Timers of Node and timeouts of PostgreSQL count ms in 32 bits: 24 days. */
const MAX_MS = 24 * 24 * 3_600_000;

/** `500ms`, `30s`, `5m`, `1h` or a number of seconds -> ms; undefined: no duration, or longer than 24 days. */
export function parseDuration(value: string | number): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(String(value));
  if (match === null) return undefined;
  const ms = Math.round(Number(match[1]) * (UNITS[match[2] ?? 's'] ?? 1000));
  return ms <= MAX_MS ? ms : undefined;
}
