import { Failure } from '../failure.ts';
import type { ObservedDatabase, ObservedService } from '../observed.ts';
import type { Plan } from '../plan.ts';
import type { Project, Service } from '../project.ts';
import { planContainer } from './containers.ts';
import { Draft } from './draft.ts';
import { type History, planUpgrade, requireReadable } from './upgrade.ts';

/**
 * The plan that empties one service's database and builds it anew. The service starts again if it has a container,
 * running or not: a reset that was killed after it had stopped the service then converges when it is run again.
 * @throws Failure `reset-refused` outside development, `ledger-too-new`, and what `planUpgrade` throws
 */
export function planReset(project: Project, service: Service, observed: ObservedService, history: History): Plan {
  const { environment } = project;
  if (environment !== 'development') {
    throw new Failure('reset-refused', { database: service.database, environment });
  }
  // What a newer orch keeps beside the revisions would be lost with the rest.
  requireReadable(service, observed.database);
  const draft = new Draft(service);
  const { container, database } = observed;
  const hasContainer = container !== undefined && container.state !== 'absent';
  if (hasContainer && isUp(container.state)) draft.add('stop-service', 'it uses the database', {});
  if (database.exists) draft.add('drop-database', 'reset was asked for', {});
  planUpgrade(draft, service, afterDrop(service, database), history, 'head');
  if (hasContainer) planContainer(draft, { ...container, state: 'exited' }, []);
  return { goal: 'reset', steps: draft.steps, refusals: [] };
}

function isUp(state: string): boolean {
  return state === 'running' || state === 'restarting' || state === 'paused';
}

/** What will be there once the database is dropped: the server's roles, and nothing else. */
function afterDrop(service: Service, found: ObservedDatabase): ObservedDatabase {
  return {
    exists: false,
    owner: undefined,
    ledger: undefined,
    extensions: found.extensions.map((extension) => ({ ...extension, installed: undefined })),
    missingRoles: found.missingRoles,
    rolesWithoutAccess: service.roles.filter((role) => role.access === 'application').map((role) => role.name),
  };
}
