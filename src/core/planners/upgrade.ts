import { Failure } from '../failure.ts';
import { judgeHistory, ledgerFingerprint } from '../history.ts';
import type { LedgerRow, ObservedDatabase } from '../observed.ts';
import type { Service } from '../project.ts';
import type { Revision } from '../revision.ts';
import { buildRevisionGraph, type RevisionGraph } from '../revision-graph.ts';
import { resolveTarget } from '../revision-range.ts';
import { requireRunnable } from '../sql/sql-text.ts';
import { Draft } from './draft.ts';
import { planAccess, planDatabase, planExtensions } from './prerequisites.ts';

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

/**
 * Adds the steps that bring one database to `target`: prerequisites, lock, ledger, pending revisions, seeds.
 * Adds nothing where nothing is to be done.
 * @throws Failure `prerequisite-unmet`, `ledger-too-new`, `history-conflict`, `heads-diverged`, `revision-not-found`,
 * `revision-invalid`, `revision-interrupted`
 */
export function planUpgrade(
  draft: Draft,
  service: Service,
  observed: ObservedDatabase,
  history: History,
  target: string,
): void {
  const rows = requireReadable(service, observed);
  const pending = pendingRevisions(service, history, rows, target);
  requireRunnable(service.name, pending);
  planDatabase(draft, service, observed);

  const locked = new Draft(service);
  planExtensions(locked, service, observed);
  planAccess(locked, service, observed);
  if (observed.ledger === undefined) locked.add('create-ledger', 'the database has none', {});
  for (const revision of pending) planRevision(locked, service, revision, rows);
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

/**
 * What is to be applied, parents first, seeds last. Seeds follow only a database that ends at its head.
 * @throws Failure `history-conflict`, `heads-diverged`, `revision-not-found`
 */
export function pendingRevisions(
  service: Service,
  history: History,
  rows: readonly LedgerRow[],
  target: string,
): readonly Revision[] {
  const { graph } = history;
  const wanted = resolveTarget(service.name, graph, target);
  const verdicts = judgeHistory(graph, rows);
  if (verdicts.length > 0) {
    throw new Failure('history-conflict', { service: service.name, database: service.database, verdicts });
  }
  const applied = new Set(rows.filter((row) => row.state === 'applied').map((row) => `${row.kind} ${row.name}`));
  const isPending = ({ kind, name }: Revision): boolean => !applied.has(`${kind} ${name}`);
  const reachesHead = graph.heads.every((head) => !isPending(head) || wanted.includes(head));
  return [...wanted.filter(isPending), ...(reachesHead ? history.seeds.filter(isPending) : [])];
}

function planRevision(draft: Draft, service: Service, revision: Revision, rows: readonly LedgerRow[]): void {
  const begun = rows.find((row) => isRowOf(revision, row) && row.state === 'started');
  if (begun !== undefined && revision.up.transaction === 'single') {
    // In one transaction the row can't stay `started`, unless the revision ended that transaction itself (V12).
    throw new Failure('revision-interrupted', {
      service: service.name,
      database: service.database,
      revision: revision.name,
      statementsDone: begun.statementsDone,
    });
  }
  const because = begun === undefined ? 'it is pending' : `it stopped after statement ${begun.statementsDone}`;
  draft.add(
    'apply-revision',
    because,
    { revision, resumeAt: begun?.statementsDone ?? 0 },
    `${revision.kind}/${revision.name}`,
  );
}

/** A seed may have a revision's name. */
function isRowOf(revision: Revision, row: LedgerRow): boolean {
  return row.kind === revision.kind && row.name === revision.name;
}
