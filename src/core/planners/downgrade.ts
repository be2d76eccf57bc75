import { Failure, isFailure } from '../failure.ts';
import { appliedHeads, ledgerFingerprint } from '../history.ts';
import type { Loss, Observed, ObservedDatabase, RecordedTexts } from '../observed.ts';
import type { Plan, Refusal, Step } from '../plan.ts';
import type { Service } from '../project.ts';
import { buildRevisionGraph, type RevisionGraph } from '../revision-graph.ts';
import { resolveTarget } from '../revision-range.ts';
import { findRevision } from '../revision-reference.ts';
import { orderByNeeds } from '../service-graph.ts';
import { findDependants } from './dependants.ts';
import { Draft } from './draft.ts';
import { findDrops } from './drops.ts';
import { refuseCycle } from './requirements.ts';
import { resume, type Unclear } from './resumption.ts';
import { type Revertible, requireRevertible, revertibleOf, seedsToRevert } from './revertible.ts';
import { chainLocks, mergeWaits, orderSteps } from './step-order.ts';
import { type History, requireReadable } from './upgrade.ts';

export interface DowngradeRequest {
  readonly services: readonly Service[];
  /** As `resolveTarget` takes it; it must be applied. */
  readonly target: string;
  /** By service name; a failure stands for files that could not be read. */
  readonly histories: ReadonlyMap<string, History | Failure>;
  /** Services outside this run whose revisions may have been built on what is to be reverted. */
  readonly others: readonly Service[];
  /** What the ledgers kept of revisions whose files have changed or are gone, by service name and revision name. */
  readonly recorded: ReadonlyMap<string, ReadonlyMap<string, RecordedTexts>>;
  /** What becomes of a statement of which nobody knows whether it was done; absent: refuse. */
  readonly unclear?: Unclear | undefined;
  /** The tables that are there, by service name. */
  readonly tables: ReadonlyMap<string, Loss['tables']>;
}

/** What is to be reverted in one service, children first. */
export interface Reverts {
  readonly service: Service;
  readonly revisions: readonly Revertible[];
  readonly steps: readonly Step[];
}

/**
 * The plan that brings databases back to a target: in each, children before their parents; what other services'
 * revisions require is reverted only after those. If a service can't go back, the plan has no steps at all:
 * half a downgrade is what nobody asked for.
 */
export function planDowngrade(request: DowngradeRequest, observed: Observed): Plan {
  const reverts: Reverts[] = [];
  const refusals: Refusal[] = [];
  for (const service of [...orderByNeeds(request.services)].reverse()) {
    try {
      reverts.push(planService(request, service, observed));
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refusals.push({ subject: subjectOf(service), failure: error, needs: undefined });
    }
  }
  const dependants = findDependants(request.others, observed, reverts);
  refusals.push(...dependants.refusals);
  if (refusals.length > 0) return { goal: 'downgrade', steps: [], refusals };
  const steps = reverts.flatMap((revert) => revert.steps);
  const coupled = reverts.map(({ service }) => service.name).filter((name) => dependants.coupled.has(name));
  const ordered = orderSteps(steps, mergeWaits(dependants.waits, chainLocks(steps, coupled)));
  if ('steps' in ordered) return { goal: 'downgrade', steps: ordered.steps, refusals };
  return { goal: 'downgrade', steps: [], refusals: refuseCycle(steps, ordered.cycle) };
}

function planService(request: DowngradeRequest, service: Service, observed: Observed): Reverts {
  const found = observed.services.get(service.name);
  const history = request.histories.get(service.name);
  if (found === undefined || history === undefined) throw new TypeError(`${service.name} was not observed`);
  if (history instanceof Failure) throw history;
  if (found instanceof Failure) throw found;
  if (!found.database.exists)
    throw new Failure('database-missing', { service: service.name, database: service.database });
  const revisions = findReverts(request, service, found.database, history);
  const steps = draftSteps(request, service, found.database, revisions);
  return { service, revisions, steps };
}

/** @throws Failure naming the target, and `requireRevertible`'s */
function findReverts(
  request: DowngradeRequest,
  service: Service,
  observed: ObservedDatabase,
  history: History,
): readonly Revertible[] {
  const rows = requireReadable(service, observed);
  const recorded = request.recorded.get(service.name) ?? new Map<string, RecordedTexts>();
  const applied = rows
    .filter(({ kind }) => kind === 'revision')
    .map((row) => revertibleOf(service, row, history.graph.byName.get(row.name), recorded.get(row.name)));
  const kept = new Set(resolveApplied(service, applied, history, request.target));
  const graph = buildRevisionGraph(applied.map(({ revision }) => revision));
  const byName = new Map(applied.map((one) => [one.revision.name, one]));
  const reverts = graph.ordered.toReversed().flatMap(({ name }) => (kept.has(name) ? [] : (byName.get(name) ?? [])));
  requireRevertible(service, reverts);
  if (reverts.length === 0) return [];
  return [...seedsToRevert(rows, history.seeds, kept.size === 0), ...reverts];
}

/** Names of what the database holds at the target, counted along the ledger. @throws Failure `revision-not-applied` and others */
function resolveApplied(
  service: Service,
  applied: readonly Revertible[],
  history: History,
  target: string,
): readonly string[] {
  const graph = buildRevisionGraph(applied.map(({ revision }) => revision));
  const place = { service: service.name, graph, applied: new Set(graph.byName.keys()) };
  try {
    return resolveTarget(place, target).map(({ name }) => name);
  } catch (error) {
    throw isFailure(error, 'revision-not-found') ? unappliedOr(error, service, graph, history, target) : error;
  }
}

/** A revision that the files have, but the ledger has not, is told apart from one that nobody has. */
function unappliedOr(
  error: Failure,
  service: Service,
  applied: RevisionGraph,
  history: History,
  target: string,
): Failure {
  const found = findRevision(service.name, history.graph, target);
  if (found === undefined) return error;
  const heads = applied.heads.map(({ name }) => name);
  return new Failure('revision-not-applied', { ...subjectOf(service), revision: found.name, heads }, { cause: error });
}

function draftSteps(
  request: DowngradeRequest,
  service: Service,
  observed: ObservedDatabase,
  revisions: readonly Revertible[],
): readonly Step[] {
  const draft = new Draft(service);
  if (revisions.length === 0) return draft.steps;
  const tables = request.tables.get(service.name) ?? [];
  const place = nameTarget(request.target, observed, revisions);
  draft.add('acquire-lock', 'one writer at a time', { expected: ledgerFingerprint(observed.ledger?.rows) });
  for (const { revision, row, origin, because } of revisions) {
    const drops = findDrops(revision.down, tables);
    const begun = row.state === 'reverting' ? resume(service, row, revision.down, request.unclear) : undefined;
    const { resumeAt, unclear } = begun ?? { resumeAt: 0 };
    const reason = [begun?.because, because].filter(Boolean).join('; ') || `it is above ${place}`;
    const about = { revision, origin, resumeAt, unclear, drops };
    draft.add('revert-revision', reason, about, `${revision.kind}/${revision.name}`);
  }
  draft.add('release-lock', 'the database is done', {});
  return draft.steps;
}

/** A target such as `-1` or `003-1` says nothing to who reads the plan: the names of what stays applied do. */
function nameTarget(target: string, { ledger }: ObservedDatabase, reverts: readonly Revertible[]): string {
  if (!/-\d+$/.test(target)) return target;
  const gone = new Set(reverts.map(({ revision }) => revision.name));
  return appliedHeads((ledger?.rows ?? []).filter(({ name }) => !gone.has(name))).join(' and ') || 'base';
}

function subjectOf(service: Service): { readonly service: string; readonly database: string } {
  return { service: service.name, database: service.database };
}
