import type { RevisionGraph } from './revision-graph.ts';

/** Where a relative name leads: to `tips`, to a fork that nobody can choose at, or beyond the end. */
export type Walk =
  | { readonly tips: readonly string[] }
  | { readonly forks: readonly string[] }
  /** There are only so many steps. */
  | { readonly available: number };

/** Names of the set that are nobody's parent within it, in the graph's order. What the graph does not know is left out. */
export function tipsOf(graph: RevisionGraph, names: ReadonlySet<string>): readonly string[] {
  const isTip = (name: string): boolean => !(graph.children.get(name) ?? []).some((child) => names.has(child));
  return graph.ordered.flatMap(({ name }) => (names.has(name) && isTip(name) ? [name] : []));
}

/** `+2` from what is applied: each step adds the one revision that can be applied next. */
export function stepUp(graph: RevisionGraph, applied: ReadonlySet<string>, count: number): Walk {
  const held = new Set(applied);
  let tips = tipsOf(graph, held);
  for (let step = 0; step < count; step += 1) {
    const next = nextOf(graph, held, tips);
    if (next.length > 1) return { forks: next };
    const [name] = next;
    if (name === undefined) return { available: step };
    held.add(name);
    tips = [name];
  }
  return { tips: tipsOf(graph, held) };
}

/** What can be applied next, preferably on top of a tip: revisions whose parents are all held. */
function nextOf(graph: RevisionGraph, held: ReadonlySet<string>, tips: readonly string[]): readonly string[] {
  const isNext = (name: string): boolean =>
    !held.has(name) && (graph.byName.get(name)?.parents ?? []).every((parent) => held.has(parent));
  const above = [...new Set(tips.flatMap((name) => graph.children.get(name) ?? []))].filter(isNext);
  if (above.length > 0) return above;
  return graph.ordered.flatMap(({ name }) => (isNext(name) ? [name] : []));
}

/** `-1` from what is applied: each step takes the only tip away. */
export function stepDown(graph: RevisionGraph, applied: ReadonlySet<string>, count: number): Walk {
  const held = new Set(graph.ordered.flatMap(({ name }) => (applied.has(name) ? [name] : [])));
  let tips = tipsOf(graph, held);
  for (let step = 0; step < count; step += 1) {
    if (tips.length > 1) return { forks: tips };
    const [tip] = tips;
    if (tip === undefined) return { available: step };
    held.delete(tip);
    const parents = (graph.byName.get(tip)?.parents ?? []).filter((name) => held.has(name));
    const isTip = (name: string): boolean => !(graph.children.get(name) ?? []).some((child) => held.has(child));
    // Below a base there may still be another branch.
    tips = parents.length === 0 ? tipsOf(graph, held) : parents.filter(isTip);
  }
  return { tips: tipsOf(graph, held) };
}

/** `002+1`: upwards, as long as there is one way. */
export function walkUp(graph: RevisionGraph, from: readonly string[], count: number): Walk {
  return walk(from, count, (name) =>
    name === undefined
      ? graph.ordered.flatMap((revision) => (revision.parents.length === 0 ? [revision.name] : []))
      : (graph.children.get(name) ?? []),
  );
}

/** `002-1`: downwards, as long as there is one way; one step below a revision without parents is base. */
export function walkDown(graph: RevisionGraph, from: readonly string[], count: number): Walk {
  if (from.length === 0) return { available: 0 };
  const end = walk(from, count - 1, (name) => graph.byName.get(name ?? '')?.parents ?? []);
  if ('available' in end) return { available: end.available + 1 };
  if ('forks' in end) return end;
  const below = graph.byName.get(end.tips[0] ?? '')?.parents ?? [];
  return below.length > 1 ? { forks: below } : { tips: below };
}

/** @param next what is one step further; of `undefined`: from base */
function walk(from: readonly string[], count: number, next: (name: string | undefined) => readonly string[]): Walk {
  if (from.length > 1) return { forks: from };
  let at = from[0];
  for (let step = 0; step < count; step += 1) {
    const ways = next(at);
    if (ways.length > 1) return { forks: ways };
    if (ways.length === 0) return { available: step };
    at = ways[0];
  }
  return { tips: at === undefined ? [] : [at] };
}
