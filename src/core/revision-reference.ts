import { Failure } from './failure.ts';
import { findNearestSome } from './nearest.ts';
import type { Revision } from './revision.ts';
import type { RevisionGraph } from './revision-graph.ts';

/**
 * The revision of that full name, number (with or without its zeros), prefix that only one name has, or file name.
 * @throws Failure `revision-not-found` with the nearest names, `revision-ambiguous` with the candidates
 */
export function requireRevision(service: string, graph: RevisionGraph, reference: string): Revision {
  const found = findRevision(service, graph, reference);
  if (found !== undefined) return found;
  const known = graph.ordered.flatMap(({ name, labels }) => [name, ...labels.map((label) => `${label}@head`)]);
  throw new Failure('revision-not-found', { service, target: reference, nearest: findNearestSome(reference, known) });
}

/** As `requireRevision`; undefined: there is none. @throws Failure `revision-ambiguous` */
export function findRevision(service: string, graph: RevisionGraph, reference: string): Revision | undefined {
  const exact = graph.byName.get(reference);
  if (exact !== undefined) return exact;
  if (reference === '') return undefined;
  const number = numberIn(reference);
  const found =
    firstFound(graph, ({ id }) => number !== undefined && numberIn(id) === number) ??
    firstFound(graph, ({ name }) => name.startsWith(reference)) ??
    firstFound(graph, ({ up }) => isFileName(up.file, reference));
  if (found === undefined) return undefined;
  if (found.length === 1) return found[0];
  const candidates = found.map(({ name }) => name);
  throw new Failure('revision-ambiguous', { service, target: reference, candidates });
}

/** The revision that carries the label; undefined: none does. @throws Failure `revision-ambiguous` */
export function labelled(service: string, graph: RevisionGraph, label: string): Revision | undefined {
  const found = firstFound(graph, ({ labels }) => labels.includes(label)) ?? [];
  if (found.length < 2) return found[0];
  throw new Failure('revision-ambiguous', { service, target: label, candidates: found.map(({ name }) => name) });
}

function firstFound(graph: RevisionGraph, test: (revision: Revision) => boolean): readonly Revision[] | undefined {
  const found = graph.ordered.filter(test);
  return found.length === 0 ? undefined : found;
}

function numberIn(text: string): bigint | undefined {
  return /^\d+$/.test(text) ? BigInt(text) : undefined;
}

/** `20250102_1200-002_second` or `20250102_1200-002_second.up.sql` for that very file. */
function isFileName(path: string, reference: string): boolean {
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
  return name === reference || name.replace(/(\.up)?\.sql$|\.ts$/, '') === reference;
}
