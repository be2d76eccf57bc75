/** Numbers that look random and come again with the same seed, and what can be made of them. */
export interface Random {
  /** From 0 up to, not including, `limit`. */
  readonly below: (limit: number) => number;
  readonly pick: <T>(items: readonly T[]) => T;
  /** A copy of a value with some of its parts exchanged, taken out or added. */
  readonly mutated: (value: unknown, material: readonly unknown[]) => unknown;
}

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  // mulberry32
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)] as T;
  const mutated = (value: unknown, material: readonly unknown[]): unknown => {
    if (below(30) === 0) return pick(material);
    if (Array.isArray(value)) {
      const items: unknown[] = value.filter(() => below(30) > 0).map((item: unknown) => mutated(item, material));
      return below(30) === 0 ? [...items, pick(material)] : items;
    }
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value)
      .filter(() => below(30) > 0)
      .map(([key, item]): readonly [string, unknown] => [below(80) === 0 ? `${key}x` : key, mutated(item, material)]);
    if (below(60) === 0) entries.push([String(pick(material)), pick(material)]);
    return Object.fromEntries(entries);
  };
  return { below, pick, mutated };
}
