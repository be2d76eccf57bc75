import { Failure } from '../failure.ts';
import type { Revision } from '../revision.ts';
import { descendantsOf, type RevisionGraph } from '../revision-graph.ts';
import { findHead } from '../revision-range.ts';
import { writtenParents } from './edit-head.ts';
import { type NewName, nextName, styleOf } from './file-style.ts';
import { parentsLineOf } from './parents-line.ts';

/** Which revisions get numbers behind which. */
export interface Rebase {
  /** Parents first; the first one is the one that was named. */
  readonly moved: readonly Revision[];
  readonly behind: Revision;
}

/**
 * Finds what goes where. Where the history forks, the revision moves behind the head of the other branch with everything
 * that was built on it. Where it does not, the revision alone moves behind the head, such as one that came in below
 * what is applied already. Undefined: it is the head, nothing is to be done.
 * @throws Failure `heads-diverged` where there is more than one head to go behind; `usage-invalid` where another
 * revision says itself that it was built on this one
 */
export function findRebase(service: string, graph: RevisionGraph, revision: Revision): Rebase | undefined {
  const branch = descendantsOf(graph, [revision.name]);
  const others = graph.heads.filter(({ name }) => !branch.has(name));
  const [other] = others;
  if (others.length > 1) return refuseHeads(service, others);
  if (other !== undefined) return { moved: graph.ordered.filter(({ name }) => branch.has(name)), behind: other };
  const head = findHead(service, graph);
  if (head === undefined || head.name === revision.name) return undefined;
  refuseWrittenChildren(graph, revision);
  return { moved: [revision], behind: head };
}

function refuseHeads(service: string, heads: readonly Revision[]): never {
  throw new Failure('heads-diverged', {
    service,
    heads: heads.map(({ name, up, author, created }) => ({ name, file: up.file, author, created })),
  });
}

function refuseWrittenChildren(graph: RevisionGraph, revision: Revision): void {
  const children = (graph.children.get(revision.name) ?? []).flatMap((name) => graph.byName.get(name) ?? []);
  const written = children.filter(({ up }) => writtenParents(up.text, markerOf(up.language)) !== undefined);
  const [child] = written;
  if (child === undefined) return;
  throw new Failure('usage-invalid', {
    message: `${revision.name} can't go behind ${child.name}, whose parents line says that it was built on ${revision.name}: change that line first`,
  });
}

export function markerOf(language: 'sql' | 'typescript'): '--' | '//' {
  return language === 'sql' ? '--' : '//';
}

/** A revision with its new name and what its `parents` line has to say then. */
export interface Renamed {
  readonly revision: Revision;
  readonly to: NewName;
  readonly line: readonly string[] | undefined;
}

interface Placed {
  readonly id: string;
  readonly name: string;
  readonly fileName: string;
}

/**
 * New names and parents for the moved revisions, one above the other, in the style of the folder.
 * @param taken names that are not to be had: those of the seeds
 */
export function renameMoved(
  graph: RevisionGraph,
  { moved, behind }: Rebase,
  now: Date,
  taken: ReadonlySet<string>,
): readonly Renamed[] {
  const leaving = new Set(moved.map(({ name }) => name));
  const placed: Placed[] = graph.ordered.flatMap(({ id, name, up }) =>
    leaving.has(name) ? [] : [{ id, name, fileName: fileNameOf(up.file) }],
  );
  const unavailable = new Set([...taken, ...placed.map(({ name }) => name)]);
  const successors = new Map<string, Placed>();
  return moved.map((revision, index) => {
    const style = styleOf(placed.map(({ fileName }) => fileName));
    const found = nextName(style, restOf(revision), now, unavailable);
    // The date in a name says when it was written; only the number is another.
    const to = { ...found, stem: `${/^\d{8}_\d{4,6}-/.exec(fileNameOf(revision.up.file))?.[0] ?? ''}${found.name}` };
    const parents = index === 0 ? [behind] : parentsOf(revision, graph, successors);
    const line = parentsLineOf(placed, parents);
    const renamed = { id: to.id, name: to.name, fileName: `${to.stem}${endingOf(revision)}` };
    successors.set(revision.name, renamed);
    placed.push(renamed);
    return { revision, to, line };
  });
}

function parentsOf(
  revision: Revision,
  graph: RevisionGraph,
  successors: ReadonlyMap<string, Placed>,
): readonly Pick<Revision, 'id' | 'name'>[] {
  return revision.parents.flatMap((name) => successors.get(name) ?? graph.byName.get(name) ?? []);
}

function restOf({ id, name }: Revision): string {
  return name.slice(id.length + 1);
}

/** The ending of the revision's up file or TypeScript file. */
export function endingOf({ up }: Revision): string {
  return up.language === 'typescript' ? '.ts' : up.file.endsWith('.up.sql') ? '.up.sql' : '.sql';
}

/** The last part of a path, whichever way its system parts it. */
export function fileNameOf(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path;
}
