import type { Branch, HistoryEntry, ServiceFiles, ServiceHistory } from '../core/answers/history.ts';
import { Failure } from '../core/failure.ts';
import { appliedNames } from '../core/history.ts';
import type { LedgerRow, ObservedService } from '../core/observed.ts';
import { type History, requireReadable } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import { descendantsOf, type RevisionGraph } from '../core/revision-graph.ts';
import { resolveRange } from '../core/revision-range.ts';
import type { Run } from '../ports/run.ts';
import { loadHistories } from './histories.ts';
import { type LookedService, lookAt } from './look.ts';
import { selectServices } from './select-services.ts';

/**
 * The revisions of these services, with what their databases say of each.
 * @param request `range`: as `resolveRange` takes it; undefined: all
 * @throws Failure `service-unknown`; what befalls a single service is in its history
 */
export async function history(
  run: Run,
  request: { readonly services: readonly string[]; readonly range: string | undefined },
): Promise<readonly ServiceHistory[]> {
  return await lookAt(run, request.services, ({ services }) =>
    services.map((looked) => serviceHistory(looked, request.range)),
  );
}

function serviceHistory({ service, history: files, found }: LookedService, range: string | undefined): ServiceHistory {
  const subject = { service: service.name, database: service.database };
  const read = found instanceof Failure ? found : rowsOf(service, found);
  const [rows, failure] = read instanceof Failure ? [undefined, read] : [read, undefined];
  if (files instanceof Failure) return { ...subject, revisions: [], failure: files };
  try {
    const applied = rows === undefined ? undefined : appliedNames(rows);
    const shown =
      range === undefined
        ? files.graph.ordered
        : resolveRange({ service: service.name, graph: files.graph, applied }, range).shown;
    const gone = range === undefined ? goneEntries(files, rows ?? []) : [];
    const entryOf = entryMaker(files.graph, rows);
    const entries = shown.map(entryOf);
    return { ...subject, revisions: [...entries, ...gone].reverse(), failure };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...subject, revisions: [], failure: failure ?? error };
  }
}

/** A failure where a newer orch wrote them. */
function rowsOf(service: Service, { database }: ObservedService): readonly LedgerRow[] | Failure {
  try {
    return requireReadable(service, database);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return error;
  }
}

/** Applied revisions without a file, which belong to no place in the files' history. */
function goneEntries({ graph }: History, rows: readonly LedgerRow[]): readonly HistoryEntry[] {
  return rows.flatMap((row): readonly HistoryEntry[] => {
    if (row.kind !== 'revision' || graph.byName.has(row.name)) return [];
    const { name, parents, requires } = row;
    const unknown = { created: undefined, author: undefined, labels: [], file: undefined };
    return [{ name, message: '', parents, requires, isHead: false, ...unknown, ...ledgerFields(row) }];
  });
}

function entryMaker(
  graph: RevisionGraph,
  rows: readonly LedgerRow[] | undefined,
): (revision: Revision) => HistoryEntry {
  const heads = new Set(graph.heads);
  const byName = new Map((rows ?? []).flatMap((row) => (row.kind === 'revision' ? [[row.name, row] as const] : [])));
  return (revision) => {
    const { name, message, created, author, parents, labels, up } = revision;
    const ledger = rows === undefined ? { ...notApplied, state: undefined } : ledgerFields(byName.get(name));
    const requires = revision.requires.map((required) => `${required.service}@${required.revision}`);
    const isHead = heads.has(revision);
    return { name, message, created, author, parents, labels, requires, isHead, file: up.file, ...ledger };
  };
}

type LedgerFields = Pick<HistoryEntry, 'state' | 'appliedAt' | 'duration' | 'role' | 'note'>;

const notApplied = {
  state: 'pending',
  appliedAt: undefined,
  duration: undefined,
  role: undefined,
  note: undefined,
} as const;

function ledgerFields(row: LedgerRow | undefined): LedgerFields {
  if (row === undefined) return notApplied;
  const { state, appliedAt, duration, role, note } = row;
  return { state, appliedAt, duration, role, note };
}

/**
 * Heads and branches of these services as their files say; looks at no database.
 * @throws Failure `service-unknown`; files at fault are in their service's
 */
export async function listFiles(
  run: Run,
  request: { readonly services: readonly string[] },
): Promise<readonly ServiceFiles[]> {
  const services = selectServices(run.project, request.services);
  const histories = await loadHistories(run.ports.revisions, run.project, services);
  return services.map(({ name }) => {
    const files = histories.get(name);
    if (files === undefined) throw new TypeError(`${name} was not loaded`);
    if (files instanceof Failure) return { service: name, heads: [], branches: [], failure: files };
    const { graph } = files;
    const heads = graph.heads.map(entryMaker(graph, undefined));
    return { service: name, heads, branches: findBranches(graph), failure: undefined };
  });
}

/** Each revision that begins a way of its own: beside a sibling, beside another base, or by its label. */
function findBranches(graph: RevisionGraph): readonly Branch[] {
  const bases = graph.ordered.filter(({ parents }) => parents.length === 0).length;
  const heads = new Set(graph.heads.map(({ name }) => name));
  return graph.ordered.flatMap(({ name, parents, labels }): readonly Branch[] => {
    const hasSibling = parents.some((parent) => (graph.children.get(parent) ?? []).length > 1);
    const begins = labels.length > 0 || hasSibling || (parents.length === 0 && bases > 1);
    if (!begins) return [];
    const above = [...descendantsOf(graph, [name])].filter((one) => heads.has(one)).sort();
    return [{ revision: name, parents, labels, heads: above }];
  });
}
