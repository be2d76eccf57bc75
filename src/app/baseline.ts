import type { ServiceBaseline } from '../core/answers/baseline.ts';
import { Failure } from '../core/failure.ts';
import { appliedHeads } from '../core/history.ts';
import type { Observed } from '../core/observed.ts';
import type { Outcome } from '../core/outcome.ts';
import { type BaselineDecision, needsBaseline, planBaseline } from '../core/planners/baseline.ts';
import { type History, requireReadable } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import { tipsOf } from '../core/revision-walk.ts';
import {
  type Adoption,
  type Comparison,
  compareForAdoption,
  foreignObjects,
  judgeAdoption,
} from '../core/schema/adoption.ts';
import type { Catalog } from '../core/schema/catalog.ts';
import { findOtherLedgers } from '../core/schema/other-ledgers.ts';
import { asFailure } from '../engine/database-failure.ts';
import { observe } from '../engine/observe.ts';
import { type Replay, replayAll } from '../engine/replay.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import type { Run } from '../ports/run.ts';
import { converge } from './converge.ts';
import { loadHistories } from './histories.ts';
import { requireContained } from './require-contained.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

export interface BaselineRequest {
  /** Empty: all services. */
  readonly services: readonly string[];
  /** Goes into the ledger and its log. */
  readonly reason: string | undefined;
  /** Called once with what was found out of every service. */
  readonly tell: (found: readonly ServiceBaseline[]) => Promise<void>;
  /** Asked where something is to be stamped, after `tell`; false: nothing is touched. */
  readonly approve: (matched: readonly ServiceBaseline[]) => Promise<boolean>;
}

/** A database that is to be compared. */
interface Candidate {
  readonly service: Service;
  readonly history: History;
  readonly found: Catalog;
  readonly ledgers: ServiceBaseline['ledgers'];
  readonly comparisons: Comparison[];
  readonly replay: Replay;
}

/**
 * Finds out which revision left what is in databases without a ledger, and has ledgers say so where that is approved.
 * Nothing of the revisions runs but in throwaway databases.
 * @throws Failure `service-unknown`, `observed-changed`; what befalls a single service is in the outcome
 */
export async function baseline(run: Run, request: BaselineRequest): Promise<Outcome> {
  const services = selectServices(run.project, request.services);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const sessions = new TargetSessions(run);
  try {
    const look = (): Promise<Observed> => observe(run, sessions, services, { containers: false, wait: true });
    const judged = await judgeAll(run, sessions, services, await look());
    run.signal.throwIfAborted();
    await request.tell(judged.map(({ row }) => row));
    const matched = judged.filter(({ row }) => row.verdict === 'match');
    const approved = matched.length > 0 && (await request.approve(matched.map(({ row }) => row)));
    const decisions = judged.map((one) => decide(one, approved));
    return await converge(run, sessions, {
      command: 'baseline',
      services,
      observe: look,
      plan: () => planBaseline(decisions, request.reason ?? 'baseline'),
      failFast: false,
      mayReplan: false,
    });
  } finally {
    await sessions.close();
  }
}

interface Judged {
  readonly service: Service;
  readonly row: ServiceBaseline;
  readonly stamp: readonly Revision[];
}

function decide({ service, row, stamp }: Judged, approved: boolean): BaselineDecision {
  if (row.verdict !== 'match') return { service, stamp: row.failure };
  if (approved) return { service, stamp };
  return {
    service,
    stamp: new Failure('approval-missing', { what: service.name, command: 'baseline', services: [service.name] }),
  };
}

/** All services at once: what each database holds, the replays, and what comes of it. */
async function judgeAll(
  run: Run,
  sessions: TargetSessions,
  services: readonly Service[],
  observed: Observed,
): Promise<readonly Judged[]> {
  const histories = await loadHistories(run.ports.revisions, run.project, services);
  const looked = await Promise.all(
    services.map((service) => lookAt(run, sessions, service, observed, histories.get(service.name))),
  );
  const candidates = looked.filter((one): one is Candidate => 'replay' in one);
  const failures = await replayAll(
    run,
    candidates.map(({ replay }) => replay),
  );
  return looked.map((one) => {
    if (!('replay' in one)) return one;
    const failure = failures[candidates.indexOf(one)];
    if (failure !== undefined) return settled(one.service, { verdict: 'failed', failure, ledgers: one.ledgers });
    return judge(one);
  });
}

async function lookAt(
  run: Run,
  sessions: TargetSessions,
  service: Service,
  observed: Observed,
  history: History | Failure | undefined,
): Promise<Candidate | Judged> {
  const seen = observed.services.get(service.name);
  if (seen === undefined || history === undefined) throw new TypeError(`${service.name} was not observed`);
  if (seen instanceof Failure) return settled(service, { verdict: 'failed', failure: seen });
  if (history instanceof Failure) return settled(service, { verdict: 'failed', failure: history });
  const { database } = seen;
  try {
    requireReadable(service, database);
    if (!needsBaseline(service, database)) {
      const verdict = database.ledger === undefined ? 'empty' : 'ledger';
      return settled(service, { verdict, heads: appliedHeads(database.ledger?.rows ?? []) });
    }
    requireContained(run, service, history);
    return await openCandidate(run, sessions, service, history, database.missingRoles);
  } catch (error) {
    run.signal.throwIfAborted();
    const failure = asFailure(error, sessions.of(service), 'introspect');
    if (failure instanceof Failure) return settled(service, { verdict: 'failed', failure });
    throw failure;
  }
}

async function openCandidate(
  run: Run,
  sessions: TargetSessions,
  service: Service,
  history: History,
  missingRoles: readonly string[],
): Promise<Candidate> {
  const { introspection } = run.ports;
  const keeper = await sessions.of(service).keeper();
  const found = await introspection.catalog(keeper);
  const others = findOtherLedgers(found);
  const ledgers: { tool: string; table: string; version: string | undefined }[] = [];
  for (const other of others) {
    const version = await introspection.recordedVersion(keeper, other);
    ledgers.push({ tool: other.tool, table: other.shown, version });
  }
  const tolerance = { ledgers: others, prerequisites: service.extensions.map(({ name }) => name) };
  const comparisons: Comparison[] = [];
  // Compared at once: a long history's catalogs are not kept.
  const visit = (applied: readonly Revision[], catalog: Catalog): void =>
    void comparisons.push({ applied, ...compareForAdoption(catalog, found, tolerance) });
  return {
    service,
    history,
    found,
    ledgers,
    comparisons,
    replay: { service, history, missingRoles, purpose: 'baseline', visit },
  };
}

function judge({ service, history, found, ledgers, comparisons }: Candidate): Judged {
  const [base, ...more] = comparisons;
  if (base === undefined) throw new TypeError('a replay visits base at least');
  const { match, alike, nearest }: Adoption = judgeAdoption([base, ...more]);
  const headsOf = ({ applied }: Comparison): readonly string[] =>
    tipsOf(history.graph, new Set(applied.map(({ name }) => name)));
  const foreign = foreignObjects(found, service.owner.role)
    .filter(({ name }) => !ledgers.some(({ table }) => name === table || name === `public.${table}`))
    .map(({ name, owner }) => ({ name, owner }));
  const heads = headsOf(nearest);
  const seeds = history.seeds.map(({ name }) => name);
  const known = { heads, ledgers, foreign };
  if (match === undefined) {
    const { differences } = nearest;
    const place = { service: service.name, database: service.database };
    const failure = new Failure('baseline-unmatched', { ...place, nearest: heads, differences });
    return settled(service, { verdict: 'differs', ...known, differences, failure });
  }
  const stamps = match.applied.map(({ name }) => name);
  const row = { verdict: 'match', ...known, stamps, alike: alike.map(headsOf), seeds } as const;
  return { ...settled(service, row), stamp: match.applied };
}

function settled(service: Service, row: Pick<ServiceBaseline, 'verdict'> & Partial<ServiceBaseline>): Judged {
  const nothing = { heads: [], stamps: [], alike: [], differences: [], ledgers: [], foreign: [], seeds: [] };
  const { name, database } = service;
  return { service, row: { service: name, database, ...nothing, failure: undefined, ...row }, stamp: [] };
}
