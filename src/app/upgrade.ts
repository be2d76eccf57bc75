import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { planProject } from '../core/planners/project-plan.ts';
import type { Unclear } from '../core/planners/resumption.ts';
import { withNeeds } from '../core/service-graph.ts';
import { observe } from '../engine/observe.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import { ServerWaits } from '../engine/wait.ts';
import type { Run } from '../ports/run.ts';
import { converge } from './converge.ts';
import { loadWithRequired } from './related-services.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

export interface UpgradeRequest {
  /** Empty: all services. */
  readonly services: readonly string[];
  /** `head`, or what `resolveTarget` takes. */
  readonly target: string;
  readonly failFast: boolean;
  /** Apply revisions that came in below an applied one, instead of refusing; absent: refuse. */
  readonly allowOutOfOrder?: boolean;
  /** What becomes of a statement outside a transaction of which nobody knows whether it was done; absent: refuse. */
  readonly unclear?: Unclear | undefined;
}

export interface UpRequest extends UpgradeRequest {
  /** Build images even where they are there. */
  readonly rebuild: boolean;
}

/**
 * Brings the databases of these services to the target; looks at no container.
 * @throws Failure `service-unknown`; what befalls a single service is in the outcome
 */
export async function upgrade(run: Run, request: UpgradeRequest): Promise<Outcome> {
  const services = selectServices(run.project, request.services);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const sessions = new TargetSessions(run);
  try {
    // First, so that the files are read while the servers answer.
    sessions.beginOpening(services);
    const related = await loadWithRequired(run, services);
    const { target } = request;
    const looked = [...services, ...related.others];
    return await converge(run, sessions, {
      command: 'migrate',
      target,
      services,
      observe: () => observe(run, sessions, looked, { containers: false, wait: true }),
      plan: (observed) => planProject({ goal: 'migrate', services, target, ...related, options: request }, observed),
      failFast: request.failFast,
      mayReplan: !isRelative(target),
    });
  } finally {
    await sessions.close();
  }
}

/**
 * What `upgrade` would do, from the same planner and the same observation, in sessions that can only read.
 * @throws Failure `service-unknown`
 */
export async function planOnly(run: Run, request: Omit<UpgradeRequest, 'failFast'>): Promise<Plan> {
  const services = selectServices(run.project, request.services);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const sessions = new TargetSessions(run, 'read-only');
  try {
    // First, so that the files are read while the servers answer.
    sessions.beginOpening(services);
    const related = await loadWithRequired(run, services);
    const looked = [...services, ...related.others];
    const observed = await observe(run, sessions, looked, { containers: false, wait: false });
    const { target } = request;
    return planProject({ goal: 'migrate', services, target, ...related, options: request }, observed);
  } finally {
    await sessions.close();
  }
}

/**
 * The main job: starts the servers that the project owns, waits until they serve, brings every database to its head,
 * and only then starts the services, each after those that it needs.
 * @throws Failure `service-unknown`, `docker-unavailable`, `compose-invalid`; what befalls a single service is in the outcome
 */
export async function up(run: Run, request: UpRequest): Promise<Outcome> {
  const named = selectServices(run.project, request.services);
  const services = withNeeds(
    run.project.services,
    named.map((service) => service.name),
  );
  await startServers(run, services);
  await waitUntilReady(run, services);
  const sessions = new TargetSessions(run);
  try {
    // First, so that the files are read while the servers answer.
    sessions.beginOpening(services);
    const related = await loadWithRequired(run, services);
    const { target, rebuild } = request;
    const looked = [...services, ...related.others];
    return await converge(run, sessions, {
      command: 'up',
      services,
      observe: () => observe(run, sessions, looked, { containers: true, wait: true, rebuild }),
      plan: (observed) => planProject({ goal: 'up', services, target, ...related, options: request }, observed),
      failFast: request.failFast,
      mayReplan: !isRelative(target),
    });
  } finally {
    await sessions.close();
  }
}

/** A server that does not become ready fails the services that use it when they are observed; the others go on. */
async function waitUntilReady(run: Run, services: Parameters<typeof startServers>[1]): Promise<void> {
  const waits = new ServerWaits(run);
  await Promise.allSettled(services.map((service) => waits.waitFor(service)));
  run.signal.throwIfAborted();
}

/** `+2` means two more than there were when it was typed: not two more in each round. */
function isRelative(target: string): boolean {
  return /^[+-]\d+$/.test(target);
}
