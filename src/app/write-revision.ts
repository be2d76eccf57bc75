import type { WrittenRevision } from '../core/answers/authoring.ts';
import { plainMessage } from '../core/authoring/head.ts';
import { parentsLineOf } from '../core/authoring/parents-line.ts';
import { Failure } from '../core/failure.ts';
import type { Revision } from '../core/revision.ts';
import { buildRevisionGraph, type RevisionGraph } from '../core/revision-graph.ts';
import { findHead, resolveTarget } from '../core/revision-range.ts';
import { tipsOf } from '../core/revision-walk.ts';
import type { Run } from '../ports/run.ts';
import { type Calling, requireOwningService } from './owning-service.ts';
import { writeNext } from './write-files.ts';

export interface RevisionRequest extends Calling {
  readonly message: string;
  readonly language: 'sql' | 'typescript';
  readonly seed: boolean;
  /** Names as the command line takes them; empty: the head. */
  readonly parents: readonly string[];
}

/**
 * Writes the files of a new revision behind the head, or behind other parents, or of a new seed.
 * @throws Failure `heads-diverged` where there is no telling which head; `service-ambiguous`, `revision-invalid`,
 * `revision-not-found`, `revision-ambiguous`, `config-invalid`, `file-not-written`, `usage-invalid`
 */
export async function writeRevision(run: Run, request: RevisionRequest): Promise<WrittenRevision> {
  const service = requireOwningService(run.project, request);
  const message = requireMessage(request.message);
  if (request.seed) refuseSeed(service, request);
  const { language } = request;
  return writeNext(run, async () => {
    const there = await run.ports.revisions.load(service);
    if (request.seed)
      return { draft: { service, kind: 'seed', language, message, line: undefined, parents: [] }, there };
    const parents = findParents(service.name, buildRevisionGraph(there.revisions), request.parents);
    const line = parentsLineOf(there.revisions, parents);
    const names = parents.map(({ name }) => name);
    return { draft: { service, kind: 'revision', language, message, line, parents: names }, there };
  });
}

/** The message as one line. @throws Failure `usage-invalid` where nothing is left of it */
export function requireMessage(text: string): string {
  const message = plainMessage(text);
  if (message !== '') return message;
  throw new Failure('usage-invalid', { message: 'the message is empty: say what the revision does' });
}

function refuseSeed(
  service: { readonly name: string; readonly seeds: string | undefined; readonly file: string },
  request: RevisionRequest,
): void {
  if (request.parents.length > 0) {
    throw new Failure('usage-invalid', {
      message: 'a seed has no parents: seeds follow their numbers, behind the head',
    });
  }
  if (service.seeds !== undefined) return;
  throw new Failure('usage-invalid', {
    message: `${service.name} has no folder for seeds: make one and name it in ${service.file}, as in "seeds: seeds"`,
  });
}

function findParents(service: string, graph: RevisionGraph, wanted: readonly string[]): readonly Revision[] {
  const head = wanted.length === 0 ? findHead(service, graph) : undefined;
  if (wanted.length === 0) return head === undefined ? [] : [head];
  const names = new Set(wanted.flatMap((target) => tipsNamed(service, graph, target)));
  // A parent of a parent says nothing more.
  return tipsOf(graph, names).flatMap((name) => graph.byName.get(name) ?? []);
}

/** Names of the revisions that a target names itself, without what is below them. */
export function tipsNamed(service: string, graph: RevisionGraph, target: string): readonly string[] {
  const held = resolveTarget({ service, graph, applied: undefined }, target);
  return tipsOf(graph, new Set(held.map(({ name }) => name)));
}
