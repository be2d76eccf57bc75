import { Failure } from './failure.ts';
import { findNearest } from './nearest.ts';
import type { Revision } from './revision.ts';
import { ancestorsOf, type RevisionGraph } from './revision-graph.ts';

/**
 * The revisions that a database holds once it is at `target`, parents first.
 * `target`: `head` (the only head), `base`, a number with or without its zeros, a full name, or a prefix that only one name has.
 * @throws Failure `heads-diverged`, `revision-not-found`
 */
export function resolveTarget(service: string, graph: RevisionGraph, target: string): readonly Revision[] {
  if (target === 'base') return [];
  const wanted = target === 'head' ? requireHead(service, graph) : requireRevision(service, graph, target);
  if (wanted === undefined) return [];
  const members = ancestorsOf(graph, [wanted.name]);
  return graph.ordered.filter((revision) => members.has(revision.name));
}

/** The only head; undefined for a service without revisions. */
function requireHead(service: string, graph: RevisionGraph): Revision | undefined {
  if (graph.heads.length <= 1) return graph.heads[0];
  throw new Failure('heads-diverged', {
    service,
    heads: graph.heads.map((revision) => ({ name: revision.name, file: revision.up.file })),
  });
}

function requireRevision(service: string, graph: RevisionGraph, target: string): Revision {
  const exact = graph.byName.get(target);
  if (exact !== undefined) return exact;
  const found = firstNonEmpty(
    graph.ordered.filter((revision) => sameNumber(revision.id, target)),
    graph.ordered.filter((revision) => revision.name.startsWith(target)),
  );
  if (found.length === 1) return found[0] as Revision;
  if (found.length > 1) {
    const several = found.map((revision) => revision.name);
    throw new Failure('revision-not-found', { service, target, nearest: several.at(-1), several });
  }
  throw new Failure('revision-not-found', { service, target, nearest: findNearest(target, [...graph.byName.keys()]) });
}

function firstNonEmpty(...lists: readonly (readonly Revision[])[]): readonly Revision[] {
  return lists.find((list) => list.length > 0) ?? [];
}

function sameNumber(id: string, target: string): boolean {
  return /^\d+$/.test(target) && /^\d+$/.test(id) && BigInt(id) === BigInt(target);
}
