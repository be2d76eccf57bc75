import type { Failure } from '../core/failure.ts';
import type { Observed, ObservedService } from '../core/observed.ts';
import type { History } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import { observe } from '../engine/observe.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import type { Run } from '../ports/run.ts';
import { loadWithRequired, type Related } from './related-services.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

/** A service's files and its database as they are now. */
export interface LookedService {
  readonly service: Service;
  readonly history: History | Failure;
  readonly found: ObservedService | Failure;
}

export interface Look {
  readonly services: readonly LookedService[];
  readonly related: Related;
  readonly observed: Observed;
  /** They can only read. */
  readonly sessions: TargetSessions;
}

/**
 * Reads files and ledgers of these services (and of those that theirs require) and has `work` make something of them.
 * Changes nothing; waits for no server.
 * @param names empty: all services
 * @throws Failure `service-unknown`; what befalls a single service stands in its place
 */
export async function lookAt<T>(run: Run, names: readonly string[], work: (look: Look) => T | Promise<T>): Promise<T> {
  const services = selectServices(run.project, names);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const sessions = new TargetSessions(run, 'read-only');
  try {
    const related = await loadWithRequired(run, services);
    const looked = [...services, ...related.others];
    const observed = await observe(run, sessions, looked, { containers: false, wait: false });
    return await work({
      services: services.map((service) => lookedService(service, related, observed)),
      related,
      observed,
      sessions,
    });
  } finally {
    await sessions.close();
  }
}

function lookedService(service: Service, { histories }: Related, observed: Observed): LookedService {
  const found = observed.services.get(service.name);
  const history = histories.get(service.name);
  if (found === undefined || history === undefined) throw new TypeError(`${service.name} was not observed`);
  return { service, history, found };
}
