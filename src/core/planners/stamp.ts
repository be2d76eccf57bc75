import { Failure } from '../failure.ts';
import { appliedNames, judgeHistory, ledgerFingerprint } from '../history.ts';
import type { LedgerRow, Observed, ObservedDatabase } from '../observed.ts';
import type { Plan, Refusal } from '../plan.ts';
import type { Service } from '../project.ts';
import type { Revision } from '../revision.ts';
import { resolveTarget } from '../revision-range.ts';
import { orderByNeeds } from '../service-graph.ts';
import { Draft } from './draft.ts';
import { findLinks, type History, requireReadable } from './upgrade.ts';

export interface StampRequest {
  readonly services: readonly Service[];
  /** As `resolveTarget` takes it. */
  readonly target: string;
  readonly histories: ReadonlyMap<string, History | Failure>;
  /** Write every row anew, whatever the ledger says now. */
  readonly purge: boolean;
  readonly reason: string | undefined;
}

/** The plan that has ledgers say what a target holds, without running anything. Seeds are left as they are. */
export function planStamp(request: StampRequest, observed: Observed): Plan {
  const drafts = orderByNeeds(request.services).map((service): Draft | Refusal => {
    try {
      return draftService(request, service, observed);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      return { subject: { service: service.name, database: service.database }, failure: error, needs: undefined };
    }
  });
  const steps = drafts.flatMap((draft) => (draft instanceof Draft ? draft.steps : []));
  return { goal: 'stamp', steps, refusals: drafts.flatMap((draft) => (draft instanceof Draft ? [] : [draft])) };
}

function draftService(request: StampRequest, service: Service, observed: Observed): Draft {
  const found = observed.services.get(service.name);
  const history = request.histories.get(service.name);
  if (found === undefined || history === undefined) throw new TypeError(`${service.name} was not observed`);
  if (history instanceof Failure) throw history;
  if (found instanceof Failure) throw found;
  const draft = new Draft(service);
  planStampOf(draft, service, found.database, history, request);
  return draft;
}

/**
 * Adds the steps that stamp one database; adds nothing where the ledger says just that already.
 * @throws Failure `database-missing`, `ledger-too-new`, `history-conflict` where an applied revision has no file and
 * `purge` is false, and what `resolveTarget` throws
 */
function planStampOf(
  draft: Draft,
  service: Service,
  observed: ObservedDatabase,
  history: History,
  request: Pick<StampRequest, 'target' | 'purge' | 'reason'>,
): void {
  if (!observed.exists) throw new Failure('database-missing', { service: service.name, database: service.database });
  const rows = requireReadable(service, observed);
  const { add, remove } = stampChange(service, history, rows, request);
  if (add.length + remove.length === 0 && observed.ledger !== undefined) return;
  draft.add('acquire-lock', 'one writer at a time', { expected: ledgerFingerprint(observed.ledger?.rows) });
  if (observed.ledger === undefined) draft.add('create-ledger', 'the database has none', {});
  const because = request.reason ?? 'stamp was asked for';
  // At base there is nothing to write, but why the ledger begins there is to be kept.
  const isToldWhy = observed.ledger === undefined && request.reason !== undefined;
  if (add.length + remove.length > 0 || isToldWhy) draft.add('stamp', because, { add, remove, reason: request.reason });
  const kept = rows.filter(({ name }) => !remove.includes(name));
  const links = findLinks(history.graph, kept, add);
  if (links.length > 0) draft.add('relink-revisions', 'a revision came in below them', { links });
  draft.add('release-lock', 'the database is done', {});
}

function stampChange(
  service: Service,
  history: History,
  rows: readonly LedgerRow[],
  { target, purge }: Pick<StampRequest, 'target' | 'purge'>,
): { readonly add: readonly Revision[]; readonly remove: readonly string[] } {
  const applied = appliedNames(rows);
  const wanted = resolveTarget({ service: service.name, graph: history.graph, applied }, target);
  const present = rows.filter(({ kind }) => kind === 'revision');
  if (purge) return { add: wanted, remove: present.map(({ name }) => name) };
  const verdicts = judgeHistory(history.graph, rows).filter(({ kind }) => kind === 'missing');
  if (verdicts.length > 0) {
    throw new Failure('history-conflict', { service: service.name, database: service.database, verdicts });
  }
  const names = new Set(wanted.map(({ name }) => name));
  // A revision whose file is gone, which was accepted, stays: the files cannot say where it belongs.
  const stays = ({ name, state }: LedgerRow): boolean =>
    state === 'applied' && (names.has(name) || !history.graph.byName.has(name));
  const remove = present.filter((row) => !stays(row));
  return { add: wanted.filter(({ name }) => !applied.has(name)), remove: remove.map(({ name }) => name) };
}
