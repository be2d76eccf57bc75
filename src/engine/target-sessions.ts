import type { Service } from '../core/project.ts';
import type { Run } from '../ports/run.ts';
import { LockWaits } from './lock-waits.ts';
import { type Access, TargetSession } from './target-session.ts';

/** The sessions of all services of a run, opened when first asked for. */
export class TargetSessions {
  readonly #run: Run;
  readonly #access: Access;
  readonly #byService = new Map<string, TargetSession>();
  readonly waits: LockWaits;
  /** A connection of this run had to wait for a place: none is kept that is not used. */
  #isFull = false;

  constructor(run: Run, access: Access = 'read-write') {
    this.#run = run;
    this.#access = access;
    this.waits = new LockWaits(run);
    run.ports.database.onFull?.(() => this.#makePlace());
  }

  /** Two runs that each keep what they have and wait for more would wait for each other. */
  #makePlace(): void {
    this.#isFull = true;
    for (const target of this.#byService.values()) void target.closeResting();
  }

  /** To be called once a service is observed. */
  async rest(service: Service): Promise<void> {
    this.of(service).rest();
    if (this.#isFull) await this.of(service).closeResting();
  }

  of(service: Service): TargetSession {
    const found = this.#byService.get(service.name);
    if (found !== undefined) return found;
    const created = new TargetSession(this.#run, service, this.#access);
    this.#byService.set(service.name, created);
    return created;
  }

  /** Begins to open the sessions that observe, without waiting: how that goes is told to whoever asks for one. */
  beginOpening(services: readonly Service[]): void {
    for (const service of services)
      this.of(service)
        .keeper()
        .catch(() => undefined);
  }

  /** Ends the sessions of all services but these: who waits for a lock keeps no connection that it does not wait with. */
  async closeOthers(services: ReadonlySet<string>): Promise<void> {
    const others = [...this.#byService.values()].filter(({ service }) => !services.has(service.name));
    await Promise.all(others.map((target) => target.close()));
  }

  /** Ends every session. */
  async close(): Promise<void> {
    await Promise.all([...this.#byService.values()].map((target) => target.close()));
  }
}
