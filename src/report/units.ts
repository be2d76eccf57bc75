/** Quantities as a person reads them. */

/** A duration in ms as `12 ms`, `3.4 s`, `34 s`, `2 min 5 s`, `1 h 2 min`. */
export function formatDuration(ms: number): string {
  const rounded = Math.round(ms);
  if (rounded < 1) return '<1 ms';
  if (rounded < 1000) return `${rounded} ms`;
  const tenths = Math.round(ms / 100) / 10;
  if (tenths < 10) return `${tenths.toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return pair(Math.floor(seconds / 60), 'min', seconds % 60, 's');
  const minutes = Math.round(seconds / 60);
  return pair(Math.floor(minutes / 60), 'h', minutes % 60, 'min');
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}

const byteUnits = ['kB', 'MB', 'GB', 'TB'] as const;

/** A size in bytes as `512 bytes`, `8.4 MB`; 1 kB is 1024 bytes, as PostgreSQL's `pg_size_pretty` counts. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return formatCount(bytes, 'byte');
  let value = bytes / 1024;
  let unit: (typeof byteUnits)[number] = 'kB';
  for (const larger of byteUnits.slice(1)) {
    if (value < 1024) break;
    value /= 1024;
    unit = larger;
  }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${unit}`;
}

/** `1 revision`, `3 revisions`; the plural is the singular with an s where none is given. */
export function formatCount(count: number, singular: string, plural = `${singular}s`): string {
  return `${count} ${count === 1 ? singular : plural}`;
}

/** `a`, `a and b`, `a, b and c`. */
export function formatList(names: readonly string[]): string {
  if (names.length < 2) return names.join('');
  return `${names.slice(0, -1).join(', ')} and ${names[names.length - 1] ?? ''}`;
}
