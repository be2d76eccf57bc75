import type { Revision } from './revision.ts';

/** One service's revisions as a directed acyclic graph, built once and then only asked. */
export interface RevisionGraph {
  /** Parents before children; among equals in the order of their numbers. */
  readonly ordered: readonly Revision[];
  readonly byName: ReadonlyMap<string, Revision>;
  /** Names of the revisions that have this one as a parent, by name. */
  readonly children: ReadonlyMap<string, readonly string[]>;
  /** Revisions that are nobody's parent. */
  readonly heads: readonly Revision[];
}

/**
 * Builds the graph in time linear in revisions and parents.
 * `revisions` come sorted by number; a parent that is no revision of the list is the reader's fault and is left out here.
 */
export function buildRevisionGraph(revisions: readonly Revision[]): RevisionGraph {
  const byName = new Map(revisions.map((revision) => [revision.name, revision]));
  const parentsOf = (revision: Revision): readonly string[] => revision.parents.filter((name) => byName.has(name));
  const children = new Map<string, string[]>();
  for (const revision of revisions) {
    for (const parent of parentsOf(revision)) {
      const known = children.get(parent);
      if (known === undefined) children.set(parent, [revision.name]);
      else known.push(revision.name);
    }
  }
  return {
    ordered: parentsFirst(revisions, byName, parentsOf),
    byName,
    children,
    heads: revisions.filter((revision) => !children.has(revision.name)),
  };
}

/** Depth first without recursion: a history of 10,000 revisions in one line would overflow the call stack. */
function parentsFirst(
  revisions: readonly Revision[],
  byName: ReadonlyMap<string, Revision>,
  parentsOf: (revision: Revision) => readonly string[],
): readonly Revision[] {
  const ordered: Revision[] = [];
  const state = new Map<string, 'open' | 'closed'>();
  for (const start of revisions) {
    const stack = [start];
    while (stack.length > 0) {
      const revision = stack[stack.length - 1] as Revision;
      if (state.get(revision.name) === 'closed') {
        stack.pop();
      } else if (state.get(revision.name) === 'open') {
        state.set(revision.name, 'closed');
        ordered.push(revision);
        stack.pop();
      } else {
        state.set(revision.name, 'open');
        const unseen = parentsOf(revision).filter((name) => !state.has(name));
        for (const name of unseen.reverse()) stack.push(byName.get(name) as Revision);
      }
    }
  }
  return ordered;
}

/** Names of the given revisions and of everything below them. */
export function ancestorsOf(graph: RevisionGraph, names: Iterable<string>): ReadonlySet<string> {
  return reach(names, (name) => graph.byName.get(name)?.parents ?? []);
}

/** Names of the given revisions and of everything above them. */
export function descendantsOf(graph: RevisionGraph, names: Iterable<string>): ReadonlySet<string> {
  return reach(names, (name) => graph.children.get(name) ?? []);
}

function reach(names: Iterable<string>, next: (name: string) => readonly string[]): ReadonlySet<string> {
  const found = new Set<string>();
  const stack = [...names];
  while (stack.length > 0) {
    const name = stack.pop() as string;
    if (found.has(name)) continue;
    found.add(name);
    stack.push(...next(name));
  }
  return found;
}
