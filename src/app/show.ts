import type { ShownRevision, ShownText } from '../core/answers/shown.ts';
import { Failure, isFailure } from '../core/failure.ts';
import type { LedgerRow, RecordedTexts } from '../core/observed.ts';
import { requireReadable } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import { recordedRevision } from '../core/recorded-revision.ts';
import type { Revision, RevisionText } from '../core/revision.ts';
import { buildRevisionGraph, type RevisionGraph } from '../core/revision-graph.ts';
import { resolveTarget } from '../core/revision-range.ts';
import { tipsOf } from '../core/revision-walk.ts';
import type { Run } from '../ports/run.ts';
import { loadHistories } from './histories.ts';
import { type LookedService, lookAt } from './look.ts';
import { selectServices } from './select-services.ts';

export interface ShowRequest {
  /** Empty: all services that have the revision. */
  readonly services: readonly string[];
  /** As `resolveTarget` takes it, without those that count from what is applied. */
  readonly revision: string;
  /** As the ledger kept it when it was applied, instead of the files. */
  readonly recorded: boolean;
}

/**
 * The revision, in each of these services that has it: from the files, or as the ledger kept it.
 * @throws Failure `service-unknown`, `revision-not-found` where none has it, `revision-ambiguous`, `usage-invalid`, and
 * what keeps a service's files or ledger from being read
 */
export async function show(run: Run, request: ShowRequest): Promise<readonly ShownRevision[]> {
  if (request.revision === 'base')
    throw new Failure('usage-invalid', { message: 'base is no revision: it is below the first' });
  return request.recorded ? await showRecorded(run, request) : await showFiles(run, request);
}

async function showFiles(run: Run, request: ShowRequest): Promise<readonly ShownRevision[]> {
  const services = selectServices(run.project, request.services);
  const histories = await loadHistories(run.ports.revisions, run.project, services);
  return await fromEach(services, async (service) => {
    const history = histories.get(service.name);
    if (history === undefined) throw new TypeError(`${service.name} was not loaded`);
    if (history instanceof Failure) throw history;
    const { graph } = history;
    return named(service, graph, request.revision).map((revision) => ({
      ...shownRevision(service, graph, revision),
      origin: 'file',
      appliedAt: undefined,
      up: textOf(revision.up),
      down: revision.down === undefined ? undefined : textOf(revision.down),
    }));
  });
}

async function showRecorded(run: Run, request: ShowRequest): Promise<readonly ShownRevision[]> {
  return await lookAt(run, request.services, async ({ services, sessions }) =>
    fromEach(services, async ({ service, found }: LookedService) => {
      if (found instanceof Failure) throw found;
      const rows = requireReadable(service, found.database).filter(({ kind }) => kind === 'revision');
      const file = (row: LedgerRow): string => `${service.revisions}/${row.upFile}`;
      const graph = buildRevisionGraph(rows.map((row) => recordedRevision(row, undefined, file(row))));
      const names = named(service, graph, request.revision).map(({ name }) => name);
      if (names.length === 0) return [];
      const keeper = await sessions.of(service).keeper();
      const texts = await run.ports.ledger.recorded(keeper, names);
      return rows
        .filter(({ name }) => names.includes(name))
        .map((row) => shownRecord(service, graph, row, texts.get(row.name), file(row)));
    }),
  );
}

function shownRecord(
  service: Service,
  graph: RevisionGraph,
  row: LedgerRow,
  texts: RecordedTexts | undefined,
  file: string,
): ShownRevision {
  const { downChecksum: checksum, downFile } = row;
  const down = { file: `${service.revisions}/${downFile ?? row.upFile}`, text: texts?.down };
  return {
    ...shownRevision(service, graph, recordedRevision(row, texts, file)),
    origin: 'recorded',
    appliedAt: row.appliedAt,
    up: { file, checksum: row.checksum, text: texts?.up },
    down: checksum === undefined ? undefined : { ...down, checksum },
  };
}

/** What the files say of it; `head` and the like may name several, or none where there are no revisions. */
function named({ name: service }: Service, graph: RevisionGraph, target: string): readonly Revision[] {
  const held = resolveTarget({ service, graph, applied: undefined }, target);
  return tipsOf(graph, new Set(held.map(({ name }) => name))).flatMap((name) => graph.byName.get(name) ?? []);
}

function shownRevision(service: Service, graph: RevisionGraph, revision: Revision) {
  const { name, message, created, author, parents, labels, irreversible, up } = revision;
  return {
    service: service.name,
    name,
    message,
    created,
    author,
    parents,
    children: graph.children.get(name) ?? [],
    labels,
    requires: revision.requires.map((required) => `${required.service}@${required.revision}`),
    irreversible,
    transaction: up.transaction,
  };
}

/** As the file has it: with its variables, not with their values. */
function textOf(text: RevisionText): ShownText {
  const written = text.language === 'sql' ? (text.written ?? text.text) : text.text;
  return { file: text.file, checksum: text.checksum, text: written };
}

/** Passes over services that do not have the revision, unless none has it. */
async function fromEach<T>(
  services: readonly T[],
  find: (service: T) => Promise<readonly ShownRevision[]>,
): Promise<readonly ShownRevision[]> {
  const found: ShownRevision[] = [];
  const failures: Failure[] = [];
  for (const service of services) {
    try {
      found.push(...(await find(service)));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      if (!isFailure(error, 'revision-not-found')) throw error;
      failures.push(error);
    }
  }
  const near = failures.find(
    (failure) => isFailure(failure, 'revision-not-found') && failure.details.nearest.length > 0,
  );
  const told = near ?? failures[0];
  if (found.length === 0 && told !== undefined) throw told;
  return found;
}
