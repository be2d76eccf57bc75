import { Failure } from '../core/failure.ts';
import { ServerWaits } from '../engine/wait.ts';
import type { Run } from '../ports/run.ts';
import type { LogLine, Runtime } from '../ports/runtime.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

/**
 * Waits until the PostgreSQL of these services serves; starts none, except PGlite, which lives only while orch does.
 * @throws Failure `server-unreachable`, `service-unknown`
 */
export async function waitForServers(run: Run, names: readonly string[]): Promise<void> {
  const services = selectServices(run.project, names);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const waits = new ServerWaits(run);
  await Promise.all(services.map((service) => waits.waitFor(service)));
}

/**
 * Stops the services and the servers that the project owns.
 * @param request.volumes true: their data goes too
 * @returns what was stopped
 * @throws Failure `reset-refused` for volumes outside development
 */
export async function down(run: Run, request: { readonly volumes: boolean }): Promise<readonly string[]> {
  const { environment } = run.project;
  if (request.volumes && environment !== 'development') {
    throw new Failure('reset-refused', {
      database: run.project.services.map((service) => service.database).join(', '),
      environment,
    });
  }
  return requireRuntime(run).down(run.project.services, { volumes: request.volumes });
}

/** The services' own logs. @throws Failure `service-unknown`, `docker-unavailable` */
export function logs(
  run: Run,
  request: { readonly services: readonly string[]; readonly follow: boolean; readonly tail: number | undefined },
): AsyncIterable<LogLine> {
  const services = selectServices(run.project, request.services);
  return requireRuntime(run).logs(services, { follow: request.follow, tail: request.tail, signal: run.signal });
}

function requireRuntime(run: Run): Runtime {
  if (run.ports.runtime === undefined) throw new TypeError('this command needs a runtime');
  return run.ports.runtime;
}
