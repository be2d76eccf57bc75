import { Failure } from '../core/failure.ts';
import { findNearest } from '../core/nearest.ts';
import type { Loss } from '../core/observed.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { planProject } from '../core/planners/project-plan.ts';
import { planReset } from '../core/planners/reset.ts';
import type { Project, Service } from '../core/project.ts';
import { observe } from '../engine/observe.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import { ServerWaits } from '../engine/wait.ts';
import type { Run } from '../ports/run.ts';
import { converge } from './converge.ts';
import { loadHistories } from './histories.ts';
import { startServers } from './servers.ts';

export interface ResetRequest {
  /** A database's or a service's name. */
  readonly name: string;
  /** Asked with what will be lost; false: nothing is touched. Undefined loss: there is no database. */
  readonly approve: (service: Service, loss: Loss | undefined) => Promise<boolean>;
}

/**
 * Empties one service's database and builds it anew; stops the service before and starts it afterwards.
 * @throws Failure `reset-refused` outside development, `reset-unknown`, `approval-missing`
 */
export async function reset(run: Run, request: ResetRequest): Promise<Outcome> {
  const service = requireService(run.project, request.name);
  const { environment } = run.project;
  if (environment !== 'development') throw new Failure('reset-refused', { database: service.database, environment });
  await startServers(run, [service]);
  await new ServerWaits(run).waitFor(service);
  const loss = await run.ports.admin.loss(service);
  if (!(await request.approve(service, loss)))
    throw new Failure('approval-missing', { what: service.database, command: 'reset', services: [] });
  return rebuild(run, service);
}

/** The first round drops and rebuilds; should a later one be needed, it must only finish what is missing. */
async function rebuild(run: Run, service: Service): Promise<Outcome> {
  const sessions = new TargetSessions(run);
  const services = [service];
  const histories = await loadHistories(run.ports.revisions, run.project, services);
  const history = histories.get(service.name);
  if (history === undefined || history instanceof Failure) throw history ?? new TypeError('no history was loaded');
  let dropped = false;
  const plan = (observed: Parameters<typeof planProject>[1]): Plan => {
    const found = observed.services.get(service.name);
    if (found === undefined || found instanceof Failure) throw found ?? new TypeError('nothing was observed');
    if (dropped) return planProject({ goal: 'up', services, target: 'head', histories }, observed);
    dropped = true;
    return planReset(run.project, service, found, history);
  };
  try {
    return await converge(run, sessions, {
      command: 'reset',
      services,
      observe: () => observe(run, sessions, services, { containers: true, wait: true }),
      plan,
      failFast: true,
    });
  } finally {
    await sessions.close();
  }
}

function requireService(project: Project, name: string): Service {
  const found = project.services.find((service) => service.database === name || service.name === name);
  if (found !== undefined) return found;
  const known = project.services.flatMap((service) => [service.database, service.name]);
  throw new Failure('reset-unknown', { name, known, nearest: findNearest(name, known) });
}
