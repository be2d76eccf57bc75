import { Failure } from './failure.ts';
import type { Revision } from './revision.ts';
import { ancestorsOf, descendantsOf, type RevisionGraph } from './revision-graph.ts';
import { findRevision, labelled, requireRevision } from './revision-reference.ts';
import { stepDown, stepUp, tipsOf, type Walk, walkDown, walkUp } from './revision-walk.ts';

/** What the names of a service's revisions are resolved against. */
export interface RevisionPlace {
  readonly service: string;
  readonly graph: RevisionGraph;
  /** Names of the applied revisions, from which `+2`, `-1` and `current` count; undefined: no database is looked at. */
  readonly applied: ReadonlySet<string> | undefined;
}

/** From one end of the history to another. */
export interface RevisionRange {
  /** What a database at the lower end holds, parents first. */
  readonly below: readonly Revision[];
  /** What leads from the lower end to the upper one, parents first; the lower end itself is not among them. */
  readonly between: readonly Revision[];
  /** The lower end and `between`: what a person means by a range. */
  readonly shown: readonly Revision[];
}

/**
 * The revisions that a database holds once it is at `target`, parents first.
 * `target`: `head` (the only head), `heads`, `base`, `current`, a full name, a number with or without its zeros, a prefix
 * that only one name has, `label@head`, `+2` and `-1` (from what is applied), `002+1`, `002-1`.
 * @throws Failure `heads-diverged`, `revision-not-found`, `revision-ambiguous`, `revision-out-of-range`, `usage-invalid`
 */
export function resolveTarget(place: RevisionPlace, target: string): readonly Revision[] {
  return held(place.graph, resolveTips(place, target));
}

/**
 * The revisions of `a:b`. An absent `a` is `base`, an absent `b` is `heads`; without a colon it is `base:<range>`.
 * @throws Failure what `resolveTarget` throws, and `range-invalid` where the lower end is not below the upper one
 */
export function resolveRange(place: RevisionPlace, range: string): RevisionRange {
  const colon = place.graph.byName.has(range) ? -1 : range.indexOf(':');
  const lower = colon < 0 ? 'base' : range.slice(0, colon) || 'base';
  const upper = colon < 0 ? range || 'heads' : range.slice(colon + 1) || 'heads';
  const lowerTips = resolveTips(place, lower);
  const below = held(place.graph, lowerTips);
  const above = held(place.graph, resolveTips(place, upper));
  const names = new Set(above.map(({ name }) => name));
  if (lowerTips.some((name) => !names.has(name))) {
    throw new Failure('range-invalid', { service: place.service, lower, upper });
  }
  const known = new Set(below.map(({ name }) => name));
  const between = above.filter(({ name }) => !known.has(name));
  const ends = below.filter(({ name }) => lowerTips.includes(name));
  return { below, between, shown: [...ends, ...between] };
}

/** The only head; undefined for a service without revisions. @throws Failure `heads-diverged` */
export function findHead(service: string, graph: RevisionGraph): Revision | undefined {
  if (graph.heads.length <= 1) return graph.heads[0];
  const heads = graph.heads.map(({ name, up, author, created }) => ({ name, file: up.file, author, created }));
  throw new Failure('heads-diverged', { service, heads });
}

/** In UTF-16 units; a file's name has at most 255 bytes. */
const LONGEST_TARGET = 1000;

function held(graph: RevisionGraph, tips: readonly string[]): readonly Revision[] {
  const members = ancestorsOf(graph, tips);
  return graph.ordered.filter((revision) => members.has(revision.name));
}

/** Names whose ancestors, with themselves, are what the target holds. */
function resolveTips(place: RevisionPlace, target: string): readonly string[] {
  const { service, graph } = place;
  // Each step of `002+1+1` is a call within a call: a long text of them would leave no stack.
  if (target.length > LONGEST_TARGET) return [requireRevision(service, graph, target).name];
  const fixed = fixedTips(place, target);
  if (fixed !== undefined) return fixed;
  const named = findRevision(service, graph, target);
  if (named !== undefined) return [named.name];
  const relative = /^(.*?)([+-]\d+)$/.exec(target);
  if (relative !== null) return relativeTips(place, target, relative[1] ?? '', Number(relative[2]));
  const branch = /^(.+)@heads?$/.exec(target);
  if (branch !== null) return branchTips(place, target, branch[1] ?? '');
  return [requireRevision(service, graph, target).name];
}

function fixedTips(place: RevisionPlace, target: string): readonly string[] | undefined {
  const { service, graph } = place;
  if (target === 'base') return [];
  if (target === 'heads') return graph.heads.map(({ name }) => name);
  if (target === 'current') return tipsOf(graph, requireApplied(place, target));
  if (target !== 'head') return undefined;
  const head = findHead(service, graph);
  return head === undefined ? [] : [head.name];
}

function relativeTips(place: RevisionPlace, target: string, from: string, count: number): readonly string[] {
  const { service, graph } = place;
  const walk = from === '' ? fromApplied(place, target, count) : fromNamed(place, from, count);
  if ('tips' in walk) return walk.tips;
  if ('forks' in walk) throw new Failure('revision-ambiguous', { service, target, candidates: walk.forks });
  const start = from === '' ? tipsOf(graph, requireApplied(place, target)).join(', ') : from;
  const { available } = walk;
  throw new Failure('revision-out-of-range', { service, target, from: start === '' ? 'base' : start, available });
}

function fromApplied(place: RevisionPlace, target: string, count: number): Walk {
  const applied = requireApplied(place, target);
  return count < 0 ? stepDown(place.graph, applied, -count) : stepUp(place.graph, applied, count);
}

function fromNamed(place: RevisionPlace, from: string, count: number): Walk {
  const tips = resolveTips(place, from);
  return count < 0 ? walkDown(place.graph, tips, -count) : walkUp(place.graph, tips, count);
}

function branchTips(place: RevisionPlace, target: string, label: string): readonly string[] {
  const { service, graph } = place;
  const start = labelled(service, graph, label) ?? requireRevision(service, graph, label);
  const above = descendantsOf(graph, [start.name]);
  const heads = graph.heads.flatMap(({ name }) => (above.has(name) ? [name] : []));
  if (heads.length > 1 && target.endsWith('@head')) {
    throw new Failure('revision-ambiguous', { service, target, candidates: heads });
  }
  return heads;
}

function requireApplied(place: RevisionPlace, target: string): ReadonlySet<string> {
  if (place.applied !== undefined) return place.applied;
  const message = `"${target}" counts from what is applied, and this command looks at no database: name a revision, as in 002${target}`;
  throw new Failure('usage-invalid', { message: target === 'current' ? message.replace(/, as in .*/, '') : message });
}
