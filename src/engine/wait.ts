import type { Service } from '../core/project.ts';
import type { Run } from '../ports/run.ts';

/** Waits for servers, once for each address however many services ask. */
export class ServerWaits {
  readonly #run: Run;
  readonly #waits = new Map<string, Promise<void>>();
  /** By server: addresses still waited for. PGlite serves each database at an address of its own. */
  readonly #pending = new Map<string, number>();

  constructor(run: Run) {
    this.#run = run;
  }

  /** Resolves when the service's server serves. @throws Failure `server-unreachable` after the server's own deadline */
  async waitFor(service: Service): Promise<void> {
    const { location } = this.#run.ports.targets.probe(service);
    const address = `${location.host}:${location.port}`;
    const wait = this.#waits.get(address) ?? this.#wait(service);
    this.#waits.set(address, wait);
    return wait;
  }

  async #wait(service: Service): Promise<void> {
    const { readiness, targets, clock, emit } = this.#run.ports;
    const target = targets.probe(service);
    const began = clock.now();
    const server = target.server.name;
    this.#pending.set(server, (this.#pending.get(server) ?? 0) + 1);
    await readiness.waitReady(target, {
      timeout: target.server.readyTimeout,
      signal: this.#run.signal,
      onProbe: (probe, reason, waited) => emit({ type: 'probe-awaited', server, probe, reason, waited }),
    });
    const left = (this.#pending.get(server) ?? 0) - 1;
    this.#pending.set(server, left);
    if (left === 0) emit({ type: 'server-ready', server, waited: clock.now() - began });
  }
}
