import { Failure } from '../core/failure.ts';
import { appliedHeads } from '../core/history.ts';
import type { LedgerRow, ObservedContainer, ObservedService } from '../core/observed.ts';
import { type History, pendingRevisions, requireAdopted, requireReadable } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import { observe } from '../engine/observe.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import type { Run } from '../ports/run.ts';
import { loadHistories } from './histories.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

/** What one service's database holds, and what its container runs with. */
export interface ServiceStatus {
  readonly service: string;
  readonly database: string;
  /** Names of the applied heads; empty: nothing is applied. */
  readonly heads: readonly string[];
  readonly appliedAt: string | undefined;
  readonly applied: number;
  /** Names of what `migrate` would apply; undefined where that can't be said, or was not asked. */
  readonly pending: readonly string[] | undefined;
  readonly container: ObservedContainer | undefined;
  /** True: every head of the files is applied; undefined: that can't be said, or was not asked. */
  readonly atHeads: boolean | undefined;
  /** The ledger's rows of `heads`. */
  readonly latest: readonly LatestRow[];
  /** Why the service could not be looked at or can't be upgraded. */
  readonly failure: Failure | undefined;
}

/** What the ledger says of an applied head. */
type LatestRow = Pick<
  LedgerRow,
  'name' | 'parents' | 'appliedAt' | 'duration' | 'role' | 'host' | 'orchVersion' | 'run' | 'note'
>;

/**
 * What is applied; where `files` is true also whether those are the heads; where `containers` is true also that, what is
 * pending, and which containers run.
 * @throws Failure `service-unknown`; what befalls a single service is in its status
 */
export async function inspect(
  run: Run,
  request: { readonly services: readonly string[]; readonly containers: boolean; readonly files?: boolean },
): Promise<readonly ServiceStatus[]> {
  const services = selectServices(run.project, request.services);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const sessions = new TargetSessions(run, 'read-only');
  try {
    const [histories, observed] = await Promise.all([
      request.containers || request.files === true
        ? loadHistories(run.ports.revisions, run.project, services)
        : undefined,
      observe(run, sessions, services, { containers: request.containers, wait: false }),
    ]);
    return services.map((service) => {
      const found = observed.services.get(service.name);
      if (found === undefined) throw new TypeError(`${service.name} was not observed`);
      if (found instanceof Failure) return unknownStatus(service, found);
      return statusOf(service, found, histories?.get(service.name), request.containers);
    });
  } finally {
    await sessions.close();
  }
}

function unknownStatus(service: Service, failure: Failure): ServiceStatus {
  return {
    service: service.name,
    database: service.database,
    heads: [],
    appliedAt: undefined,
    applied: 0,
    pending: undefined,
    container: undefined,
    atHeads: undefined,
    latest: [],
    failure,
  };
}

/** @param history undefined: it was not asked for */
function statusOf(
  service: Service,
  { database, container }: ObservedService,
  history: History | Failure | undefined,
  isPendingAsked: boolean,
): ServiceStatus {
  const rows = database.ledger?.rows ?? [];
  const applied = rows.filter((row) => row.kind === 'revision' && row.state === 'applied');
  const known = { service: service.name, database: service.database, container };
  const heads = appliedHeads(rows);
  const names = new Set(applied.map(({ name }) => name));
  const common = {
    ...known,
    heads,
    appliedAt: applied.at(-1)?.appliedAt,
    applied: applied.length,
    atHeads:
      history === undefined || history instanceof Failure
        ? undefined
        : history.graph.heads.every(({ name }) => names.has(name)),
    latest: applied.filter(({ name }) => heads.includes(name)).map(latestRow),
  };
  if (history instanceof Failure) return { ...common, pending: undefined, failure: history };
  try {
    requireReadable(service, database);
    // What could not be upgraded is the business of those who ask what is pending.
    if (history === undefined || !isPendingAsked) return { ...common, pending: undefined, failure: undefined };
    requireAdopted(service, database);
    const pending = pendingRevisions(service, history, rows, 'head').map((revision) => revision.name);
    return { ...common, pending, failure: undefined };
  } catch (error) {
    if (error instanceof Failure) return { ...common, pending: undefined, failure: error };
    throw error;
  }
}

function latestRow({ name, parents, appliedAt, duration, role, host, orchVersion, run, note }: LedgerRow): LatestRow {
  return { name, parents, appliedAt, duration, role, host, orchVersion, run, note };
}
