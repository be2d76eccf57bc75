import type { Mention, Rebased } from '../core/answers/authoring.ts';
import { editHead } from '../core/authoring/edit-head.ts';
import {
  endingOf,
  fileNameOf,
  findRebase,
  markerOf,
  type Rebase,
  type Renamed,
  renameMoved,
} from '../core/authoring/rebase.ts';
import { Failure } from '../core/failure.ts';
import type { LedgerRow } from '../core/observed.ts';
import { requireReadable } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import { buildRevisionGraph } from '../core/revision-graph.ts';
import { requireRevision } from '../core/revision-reference.ts';
import { observe } from '../engine/observe.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import type { FileMove } from '../ports/authoring.ts';
import type { Run } from '../ports/run.ts';
import { type Calling, requireOwningService } from './owning-service.ts';
import { startServers } from './servers.ts';

export interface RebaseRequest extends Calling {
  /** A number, a name or a prefix of one. */
  readonly revision: string;
  /** Rename also where the database can't be asked whether it is applied. */
  readonly unchecked: boolean;
}

/**
 * Renumbers a revision that is applied nowhere, with what was built on it, behind the head.
 * @throws Failure `revision-applied`, `rebase-unchecked`; and what `findRebase`, `requireRevision` and writing throw
 */
export async function rebase(run: Run, request: RebaseRequest): Promise<Rebased> {
  const service = requireOwningService(run.project, request);
  const { revisions, seeds } = await run.ports.revisions.load(service);
  const graph = buildRevisionGraph(revisions);
  const revision = requireRevision(service.name, graph, request.revision);
  const found = findRebase(service.name, graph, revision);
  if (found === undefined) {
    await refuseApplied(run, service, [revision], request.unchecked);
    return { service: service.name, behind: undefined, revisions: [], mentions: [] };
  }
  await refuseApplied(run, service, found.moved, request.unchecked);
  const taken = new Set(seeds.map(({ name }) => name));
  const renamed = renameMoved(graph, found, run.ports.authoring.today(), taken);
  const moves = renamed.map((one) => movesOf(one, renamed));
  await run.ports.authoring.move(moves.flat());
  return answer(run, service, found, renamed, moves);
}

async function answer(
  run: Run,
  service: Service,
  { behind }: Rebase,
  renamed: readonly Renamed[],
  moves: readonly (readonly FileMove[])[],
): Promise<Rebased> {
  return {
    service: service.name,
    behind: behind.name,
    revisions: renamed.map(({ revision, to }, index) => ({
      from: revision.name,
      to: to.name,
      files: (moves[index] ?? []).map(({ from, to: file }) => ({ from, to: file })),
    })),
    mentions: await findMentions(run, service, renamed),
  };
}

/** Up, then down; a TypeScript revision has one file. */
function movesOf({ revision, to, line }: Renamed, all: readonly Renamed[]): readonly FileMove[] {
  const renamed = new Map(all.map((one) => [one.revision.name, one.to.name]));
  const place = (file: string, ending: string): string =>
    `${file.slice(0, -fileNameOf(file).length)}${to.stem}${ending}`;
  const { file, language } = revision.up;
  const marker = markerOf(language);
  const up = {
    from: file,
    to: place(file, endingOf(revision)),
    edit: (text: string) => editHead(text, marker, { parents: line, renamed }),
  };
  const down = revision.down?.file;
  if (down === undefined || down === file) return [up];
  return [up, { from: down, to: place(down, '.down.sql'), edit: (text: string) => text }];
}

async function refuseApplied(
  run: Run,
  service: Service,
  moved: readonly Revision[],
  unchecked: boolean,
): Promise<void> {
  const rows = await recordedRows(run, service);
  if (rows instanceof Failure || rows === undefined) {
    if (unchecked) return;
    const reason = rows === undefined ? `${service.owner.role} cannot read what is applied there` : reasonOf(rows);
    const revision = moved[0]?.name ?? '';
    const details = { service: service.name, database: service.database, revision, reason };
    throw new Failure('rebase-unchecked', details, { cause: rows });
  }
  const names = new Set(moved.map(({ name }) => name));
  // What has begun outside a transaction counts: a part of it is there.
  const applied = rows.filter(({ name }) => names.has(name)).map(({ name, appliedAt }) => ({ name, appliedAt }));
  if (applied.length === 0) return;
  throw new Failure('revision-applied', { service: service.name, database: service.database, revisions: applied });
}

function reasonOf({ code, details }: Failure): string {
  return 'reason' in details && typeof details.reason === 'string' ? details.reason : code;
}

/**
 * Rows of the ledger; empty where there is none, or no database. A failure where the database can't be asked; undefined
 * where it was looked at from outside only, because it is not the owner's (yet). @throws Failure `ledger-too-new`
 */
async function recordedRows(run: Run, service: Service): Promise<readonly LedgerRow[] | Failure | undefined> {
  const sessions = new TargetSessions(run, 'read-only');
  try {
    if (run.ports.runtime?.kind === 'local') await startServers(run, [service]);
    const observed = await observe(run, sessions, [service], { containers: false, wait: false });
    const found = observed.services.get(service.name);
    if (found === undefined) throw new TypeError(`${service.name} was not observed`);
    if (found instanceof Failure) return found;
    requireReadable(service, found.database);
    const { exists, owner, missingRoles, ledger } = found.database;
    const { role } = service.owner;
    if (exists && ledger === undefined && (owner !== role || missingRoles.includes(role))) return undefined;
    return ledger?.rows ?? [];
  } finally {
    await sessions.close();
  }
}

/** Services whose own files can't be read are left out: they have other troubles first. */
async function findMentions(run: Run, service: Service, renamed: readonly Renamed[]): Promise<readonly Mention[]> {
  const others = run.project.services.filter(({ name }) => name !== service.name);
  const loaded = await Promise.allSettled(others.map((other) => run.ports.revisions.load(other)));
  return loaded.flatMap((result, index) =>
    result.status === 'rejected'
      ? []
      : result.value.revisions.flatMap(({ up, requires }) =>
          requires.flatMap((requirement) => {
            if (requirement.service !== service.name) return [];
            const one = renamed.find(({ revision }) => names(requirement.revision, revision));
            const text = `${requirement.service}@${requirement.revision}`;
            if (one === undefined) return [];
            return [
              {
                service: others[index]?.name ?? '',
                file: up.file,
                requires: text,
                now: `${service.name}@${one.to.name}`,
              },
            ];
          }),
        ),
  );
}

function names(reference: string, { id, name }: Revision): boolean {
  return reference === name || (/^\d+$/.test(reference) && BigInt(reference) === BigInt(id));
}
