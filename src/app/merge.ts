import type { WrittenRevision } from '../core/answers/authoring.ts';
import { parentsLineOf } from '../core/authoring/parents-line.ts';
import { Failure } from '../core/failure.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import { buildRevisionGraph, type RevisionGraph } from '../core/revision-graph.ts';
import type { Run } from '../ports/run.ts';
import { type Calling, findOwningService } from './owning-service.ts';
import { type Draft, type ServiceFiles, writeNext } from './write-files.ts';
import { requireMessage, tipsNamed } from './write-revision.ts';

export interface MergeRequest extends Calling {
  /** Undefined: it says what is joined. */
  readonly message: string | undefined;
  /** What to join, as the command line names it; empty: all heads. */
  readonly revisions: readonly string[];
}

interface Forked {
  readonly service: Service;
  readonly there: ServiceFiles;
  readonly graph: RevisionGraph;
}

/**
 * Writes the revision that has several heads as its parents and does nothing else.
 * @throws Failure `usage-invalid` where there is nothing to join; else as `writeRevision`
 */
export async function merge(run: Run, request: MergeRequest): Promise<WrittenRevision> {
  return writeNext(run, async () => {
    const forked = await findForked(run, request);
    return { draft: draftOf(forked, request), there: forked.there };
  });
}

function draftOf({ service, there, graph }: Forked, request: MergeRequest): Draft {
  const tips = request.revisions.flatMap((target) => tipsNamed(service.name, graph, target));
  const wanted = new Set(request.revisions.length === 0 ? graph.heads.map(({ name }) => name) : tips);
  const parents = there.revisions.filter(({ name }) => wanted.has(name));
  if (parents.length < 2) refuseMerge(service, parents);
  const names = parents.map(({ name }) => name);
  const message = requireMessage(request.message ?? `merge ${names.slice(0, -1).join(', ')} and ${names.at(-1)}`);
  const line = parentsLineOf(there.revisions, parents);
  return { service, kind: 'merge', language: 'sql', message, line, parents: names };
}

function refuseMerge({ name }: Service, parents: readonly Revision[]): never {
  const [only] = parents;
  const what = only === undefined ? 'no revision' : `one head, ${only.name}`;
  throw new Failure('usage-invalid', {
    message: `there is nothing to merge: ${name} has ${what}`,
    next: 'orch heads  # lists those of every service',
  });
}

/** The service that was named or stands to reason; else the only one with several heads. */
async function findForked(run: Run, request: MergeRequest): Promise<Forked> {
  const named = findOwningService(run.project, request);
  const candidates = await Promise.all(
    (named === undefined ? run.project.services : [named]).map((service) => load(run, service)),
  );
  const forked = candidates.filter(({ graph }) => graph.heads.length > 1);
  const [first, second] = forked;
  if (first !== undefined && second === undefined) return first;
  const [only] = candidates;
  if (named !== undefined && only !== undefined) return only;
  if (first === undefined) {
    throw new Failure('usage-invalid', {
      message: 'there is nothing to merge: no service has more than one head',
      next: 'orch heads  # lists those of every service',
    });
  }
  throw new Failure('service-ambiguous', {
    command: request.command,
    known: forked.map(({ service }) => service.name),
  });
}

async function load(run: Run, service: Service): Promise<Forked> {
  const there = await run.ports.revisions.load(service);
  return { service, there, graph: buildRevisionGraph(there.revisions) };
}
