import { Failure } from '../failure.ts';
import { appliedNames, judgeHistory, ledgerFingerprint } from '../history.ts';
import type { LedgerRow, ObservedDatabase } from '../observed.ts';
import type { Link } from '../plan.ts';
import type { Service } from '../project.ts';
import type { Revision } from '../revision.ts';
import { buildRevisionGraph, type RevisionGraph } from '../revision-graph.ts';
import { resolveTarget } from '../revision-range.ts';
import { requireRunnable } from '../sql/sql-text.ts';
import { Draft } from './draft.ts';
import { planAccess, planDatabase, planExtensions } from './prerequisites.ts';
import { type Resumption, resume, type Unclear } from './resumption.ts';

/** The newest layout of the ledger that this orch can read and write. */
export const LEDGER_FORMAT = 1;

/** What the files of one service say. */
export interface History {
  readonly graph: RevisionGraph;
  /** Empty where the environment takes no seeds. */
  readonly seeds: readonly Revision[];
}

/** Pairs the graph of a service's revisions with its seeds. */
export function historyOf(revisions: readonly Revision[], seeds: readonly Revision[]): History {
  return { graph: buildRevisionGraph(revisions), seeds };
}

export interface UpgradeOptions {
  /** Apply revisions that came in below an applied one, instead of refusing. */
  readonly allowOutOfOrder?: boolean;
  /** What becomes of a statement of which nobody knows whether it was done; absent: refuse. */
  readonly unclear?: Unclear | undefined;
}

/**
 * Adds the steps that bring one database to `target`: prerequisites, lock, ledger, pending revisions, seeds.
 * Adds nothing where nothing is to be done.
 * @throws Failure `prerequisite-unmet`, `ledger-too-new`, `database-not-empty`, `history-conflict`, `heads-diverged`,
 * `revision-not-found`, `revision-invalid`, `revision-interrupted`
 */
export function planUpgrade(
  draft: Draft,
  service: Service,
  observed: ObservedDatabase,
  history: History,
  target: string,
  options: UpgradeOptions = {},
): void {
  const rows = requireReadable(service, observed);
  requireAdopted(service, observed);
  const pending = pendingRevisions(service, history, rows, target, options);
  requireRunnable(service.name, pending, [...history.graph.ordered, ...history.seeds]);
  planDatabase(draft, service, observed);

  const locked = new Draft(service);
  planExtensions(locked, service, observed);
  planAccess(locked, service, observed);
  if (observed.ledger === undefined) locked.add('create-ledger', 'the database has none', {});
  const because = reasons(service, history.graph, rows, options.unclear);
  for (const revision of pending) planRevision(locked, revision, because(revision));
  const links = findLinks(history.graph, rows, pending);
  if (links.length > 0) locked.add('relink-revisions', 'a revision came in below them', { links });
  if (locked.steps.length === 0) return;

  draft.add('acquire-lock', 'one writer at a time', { expected: ledgerFingerprint(observed.ledger?.rows) });
  draft.append(locked.steps);
  draft.add('release-lock', 'the database is done', {});
}

/**
 * The rows of the ledger; none where there is no ledger.
 * @throws Failure `ledger-too-new`
 */
export function requireReadable(service: Service, observed: ObservedDatabase): readonly LedgerRow[] {
  const { ledger } = observed;
  if (ledger !== undefined && ledger.format > LEDGER_FORMAT) {
    throw new Failure('ledger-too-new', {
      service: service.name,
      database: service.database,
      format: ledger.format,
      supported: LEDGER_FORMAT,
    });
  }
  return ledger?.rows ?? [];
}

/** Somebody else's database is not migrated by accident. @throws Failure `database-not-empty` */
export function requireAdopted(service: Service, { contents }: ObservedDatabase): void {
  if (contents === undefined) return;
  const { count, names } = contents;
  throw new Failure('database-not-empty', { service: service.name, database: service.database, count, names });
}

/**
 * What is to be applied, parents first, seeds last. Seeds follow only a database that ends at its head.
 * @throws Failure `history-conflict`, `heads-diverged`, `revision-not-found`
 */
export function pendingRevisions(
  service: Service,
  history: History,
  rows: readonly LedgerRow[],
  target: string,
  options: UpgradeOptions = {},
): readonly Revision[] {
  const { graph } = history;
  const wanted = resolveTarget({ service: service.name, graph, applied: appliedNames(rows) }, target);
  const accepted = options.allowOutOfOrder === true ? 'out-of-order' : undefined;
  const verdicts = judgeHistory(graph, rows).filter(({ kind }) => kind !== accepted);
  if (verdicts.length > 0) {
    throw new Failure('history-conflict', { service: service.name, database: service.database, verdicts });
  }
  const applied = new Set(rows.filter((row) => row.state === 'applied').map((row) => `${row.kind} ${row.name}`));
  const isPending = ({ kind, name }: Revision): boolean => !applied.has(`${kind} ${name}`);
  const reachesHead = graph.heads.every((head) => !isPending(head) || wanted.includes(head));
  return [...wanted.filter(isPending), ...(reachesHead ? history.seeds.filter(isPending) : [])];
}

function planRevision(draft: Draft, revision: Revision, { because, ...at }: Resumption): void {
  draft.add('apply-revision', because, { revision, ...at }, `${revision.kind}/${revision.name}`);
}

/** Why each pending revision is in the plan, and where it goes on. @throws Failure `revision-interrupted` */
function reasons(
  service: Service,
  graph: RevisionGraph,
  rows: readonly LedgerRow[],
  unclear: Unclear | undefined,
): (revision: Revision) => Resumption {
  const unfinished = new Map(
    rows.flatMap((row) => (row.state === 'applied' ? [] : [[`${row.kind} ${row.name}`, row] as const])),
  );
  const applied = appliedNames(rows);
  return (revision) => {
    // A seed may have a revision's name.
    const begun = unfinished.get(`${revision.kind} ${revision.name}`);
    if (begun === undefined) return { because: reasonFor(graph, revision, applied), resumeAt: 0 };
    const { statementsDone } = begun;
    if (begun.state === 'started' && revision.up.transaction !== 'single') {
      return resume(service, begun, revision.up, unclear);
    }
    // In one transaction the row can't stay `started`, unless the revision ended that transaction itself (V12);
    // `reverting`: a half of it was taken back already.
    const { name, database } = service;
    const direction = begun.state === 'reverting' ? 'down' : 'up';
    throw new Failure('revision-interrupted', {
      service: name,
      database,
      revision: revision.name,
      direction,
      statementsDone,
    });
  };
}

function reasonFor(graph: RevisionGraph, revision: Revision, applied: ReadonlySet<string>): string {
  const children = revision.kind === 'seed' ? [] : (graph.children.get(revision.name) ?? []);
  const above = children.find((name) => applied.has(name));
  return above === undefined ? 'it is pending' : `it came in below ${above}, and --allow-out-of-order was given`;
}

/**
 * Applied revisions whose parents are others by their files than the ledger says: since a revision came in below them.
 * The heads, which the services read, follow from the ledger's parents. A parent whose file is gone stays one.
 */
export function findLinks(
  graph: RevisionGraph,
  rows: readonly LedgerRow[],
  pending: readonly Revision[],
): readonly Link[] {
  const applied = appliedNames(rows);
  const late = new Set(pending.flatMap(({ kind, name }) => (kind === 'revision' ? [name] : [])));
  return rows.flatMap((row): Link[] => {
    const revision = row.kind === 'revision' && row.state === 'applied' ? graph.byName.get(row.name) : undefined;
    if (revision === undefined || revision.up.checksum !== row.checksum) return [];
    const gone = row.parents.filter((name) => !graph.byName.has(name) && applied.has(name));
    const parents = [...new Set([...revision.parents, ...gone])];
    const isSame = parents.length === row.parents.length && parents.every((name) => row.parents.includes(name));
    if (isSame || !parents.every((name) => applied.has(name) || late.has(name))) return [];
    return [{ revision: row.name, parents, late: parents.filter((name) => late.has(name)) }];
  });
}
