import type { Service } from '../core/project.ts';
import type { Run } from '../ports/run.ts';

/**
 * Starts those PostgreSQL servers that the project owns; the others are only waited for.
 * @throws Failure `docker-unavailable`, `compose-invalid`, `port-taken`, `service-not-started`
 */
export async function startServers(run: Run, services: readonly Service[]): Promise<void> {
  const { runtime, clock, emit } = run.ports;
  if (runtime === undefined) return;
  const servers = new Set(services.map((service) => service.server));
  for (const server of servers) {
    if (server.container === undefined) continue;
    const using = services.filter((service) => service.server === server);
    const began = clock.now();
    const how = await runtime.startServer(server, using, run.signal);
    if (how === 'started') emit({ type: 'server-started', server: server.name, how, duration: clock.now() - began });
  }
}
