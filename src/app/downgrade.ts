import { Failure } from '../core/failure.ts';
import type { Loss, Observed, RecordedTexts } from '../core/observed.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { planDowngrade } from '../core/planners/downgrade.ts';
import type { Unclear } from '../core/planners/resumption.ts';
import type { Service } from '../core/project.ts';
import { observe } from '../engine/observe.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import { DatabaseError } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import { converge } from './converge.ts';
import { type Histories, loadWithDependants, type Related } from './related-services.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

export interface DowngradeRequest {
  /** Empty: all services. */
  readonly services: readonly string[];
  /** As `resolveTarget` takes it, counted along what is applied. */
  readonly target: string;
  /** What becomes of a statement outside a transaction of which nobody knows whether it was done; absent: refuse. */
  readonly unclear?: Unclear | undefined;
  /** Asked with the plan, which says what data goes; false: nothing is touched. Not asked where there is nothing to revert. */
  readonly approve: (plan: Plan) => Promise<boolean>;
}

/**
 * Brings the databases of these services back to the target. Refused as a whole before anything runs, if one of them
 * can't go back.
 * @throws Failure `service-unknown`, `approval-missing`, `observed-changed`; what befalls a single service is in the outcome
 */
export async function downgrade(run: Run, request: DowngradeRequest): Promise<Outcome> {
  const services = selectServices(run.project, request.services);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const related = await loadWithDependants(run, services);
  const sessions = new TargetSessions(run);
  try {
    const plan = await makePlan(run, sessions, services, related, request);
    const isDangerous = plan.steps.length > 0;
    if (isDangerous && !(await request.approve(plan))) {
      throw new Failure('approval-missing', {
        what: request.target,
        command: 'downgrade',
        services: request.services,
      });
    }
    return await converge(run, sessions, {
      command: 'downgrade',
      services,
      observe: () => look(run, sessions, services, related),
      // The lock step finds out whether the ledger is still what the plan was made from and approved for.
      plan: () => plan,
      failFast: true,
      mayReplan: false,
    });
  } finally {
    await sessions.close();
  }
}

async function makePlan(
  run: Run,
  sessions: TargetSessions,
  services: readonly Service[],
  { histories, others }: Related,
  { target, unclear }: DowngradeRequest,
): Promise<Plan> {
  const observed = await look(run, sessions, services, { histories, others });
  const [recorded, tables] = await Promise.all([
    readRecorded(run, sessions, services, histories, observed),
    readTables(run, services, observed),
  ]);
  return planDowngrade({ services, target, unclear, histories, others, recorded, tables }, observed);
}

/** Services outside the run are looked at too; one that cannot be reached, and whose files require ours, stops it all. */
async function look(
  run: Run,
  sessions: TargetSessions,
  services: readonly Service[],
  { others, histories }: Related,
): Promise<Observed> {
  const observed = await observe(run, sessions, [...services, ...others], { containers: false, wait: true });
  for (const { name } of others) {
    const found = observed.services.get(name);
    if (found instanceof Failure && !(histories.get(name) instanceof Failure)) throw found;
  }
  return observed;
}

/** What the ledgers kept of those revisions whose files are not what was applied. */
async function readRecorded(
  run: Run,
  sessions: TargetSessions,
  services: readonly Service[],
  histories: Histories,
  observed: Observed,
): Promise<ReadonlyMap<string, ReadonlyMap<string, RecordedTexts>>> {
  const entries = services.map(async (service) => {
    const history = histories.get(service.name);
    const found = observed.services.get(service.name);
    if (history === undefined || history instanceof Failure || found === undefined || found instanceof Failure)
      return [];
    const names = (found.database.ledger?.rows ?? []).flatMap((row) => {
      const file = history.graph.byName.get(row.name);
      const isSame = file?.up.checksum === row.checksum && file.down?.checksum === row.downChecksum;
      return row.kind === 'seed' || isSame ? [] : [row.name];
    });
    if (names.length === 0) return [];
    return [[service.name, await run.ports.ledger.recorded(await sessions.of(service).keeper(), names)] as const];
  });
  return new Map((await Promise.all(entries)).flat());
}

/** The tables that are there now, with their rows: what the plan says about data. */
async function readTables(
  run: Run,
  services: readonly Service[],
  observed: Observed,
): Promise<ReadonlyMap<string, Loss['tables']>> {
  const entries = services.map(async (service): Promise<[string, Loss['tables']]> => {
    const found = observed.services.get(service.name);
    if (found === undefined || found instanceof Failure || found.database.ledger === undefined)
      return [service.name, []];
    try {
      return [service.name, (await run.ports.admin.loss(service))?.tables ?? []];
    } catch (error) {
      // Without the counts the plan is still whole, and it names the tables.
      if (error instanceof DatabaseError) return [service.name, []];
      throw error;
    }
  });
  return new Map(await Promise.all(entries));
}
