import { Failure } from '../../core/failure.ts';
import type { Server } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Database, DatabaseError, type Location, type Session } from '../../ports/database.ts';

/** Pauses between tries, in ms. */
const FIRST_PAUSE = 100;
const LONGEST_PAUSE = 2_000;
/** Where no server of the project is at the address, in ms. */
const DEFAULT_PATIENCE = 60_000;

export interface PatientOptions {
  readonly database: Database;
  readonly clock: Clock;
  readonly servers: readonly Server[];
  readonly onWait: (server: string, reason: string, waited: number) => void;
}

/**
 * Waits for a place where a server has none left (53300: of all, of the role's or of the database's connections), for as
 * long as the server may take to get ready. Others that use it come and go; a run must not fail for that.
 */
export class PatientDatabase implements Database {
  readonly #options: PatientOptions;
  readonly #fullListeners: (() => void)[] = [];

  constructor(options: PatientOptions) {
    this.#options = options;
  }

  onFull(listener: () => void): void {
    this.#fullListeners.push(listener);
  }

  /** @throws Failure `server-unreachable` where there was no place in all that time */
  async connect(location: Location, purpose: string, signal?: AbortSignal): Promise<Session> {
    const { database, clock, servers, onWait } = this.#options;
    const server = servers.find(({ host, port }) => host === location.host && port === location.port);
    const patience = server?.readyTimeout ?? DEFAULT_PATIENCE;
    const began = clock.now();
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
      try {
        return await database.connect(location, purpose, signal);
      } catch (error) {
        const waited = clock.now() - began;
        if (!isFull(error)) throw error;
        if (waited >= patience) throw noPlace(location, server, error, waited);
        for (const listener of this.#fullListeners) listener();
        onWait(server?.name ?? location.host, error.message, waited);
        // Full jitter: those who wait for the same place must not ask in step.
        await clock.sleep(
          Math.min(pause * (0.5 + Math.random()), patience - waited),
          signal ?? new AbortController().signal,
        );
      }
    }
  }
}

function isFull(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && error.sqlstate === '53300';
}

function noPlace(location: Location, server: Server | undefined, error: DatabaseError, waited: number): Failure {
  const { host, port, database, role } = location;
  const { message: reason, sqlstate } = error;
  const at = { server: server?.name ?? host, host, port, database, role };
  return new Failure('server-unreachable', { ...at, probe: 'login', reason, sqlstate, waited }, { cause: error });
}
