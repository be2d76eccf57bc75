import { Failure, type Probe } from '../../core/failure.ts';
import type { Server } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Database, Location } from '../../ports/database.ts';
import type { Readiness } from '../../ports/readiness.ts';
import { type Finding, probeServer } from './probes.ts';

/** Pauses between attempts, in ms. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;
/** An attempt takes no longer, in ms: a server may accept a connection and never answer. */
const ATTEMPT = 5_000;
/** The last attempt gets so many ms, if need be beyond the deadline: cut at once it would hide the true reason. */
const LAST_ATTEMPT = 1_000;
/** How long a refusal is asked again that usually lasts, in ms; see `Finding.lasts`. */
const LASTING = 3_000;
/** An unchanged finding is told again after so many ms. */
const RETELL = 5_000;

type Target = { readonly server: Server; readonly location: Location };
type Options = Parameters<Readiness['waitReady']>[1];

/** Asks a server again and again until it serves. */
export class PostgresReadiness implements Readiness {
  readonly #database: Database;
  readonly #clock: Clock;

  constructor(database: Database, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** @throws Failure `server-unreachable` at the deadline, or within seconds where waiting cannot help */
  async waitReady(target: Target, options: Options): Promise<void> {
    const began = this.#clock.now();
    const elapsed = (): number => this.#clock.now() - began;
    let lastingSince: number | undefined;
    let told: { readonly what: string; readonly at: number } | undefined;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
      const finding = await this.#attempt(target.location, options.signal, options.timeout - elapsed());
      if (finding === undefined) return;
      const waited = elapsed();
      lastingSince = finding.lasts ? (lastingSince ?? waited) : undefined;
      const isHopeless = lastingSince !== undefined && waited - lastingSince >= LASTING;
      if (isHopeless || waited >= options.timeout) throw unreachable(target, finding, waited);
      const what = `${finding.probe} ${finding.reason}`;
      if (told?.what !== what || waited - told.at >= RETELL) {
        told = { what, at: waited };
        options.onProbe(finding.probe, finding.reason, waited);
      }
      await this.#clock.sleep(Math.min(pause, options.timeout - waited), options.signal);
    }
  }

  async #attempt(location: Location, signal: AbortSignal, left: number): Promise<Finding | undefined> {
    signal.throwIfAborted();
    // AbortSignal.timeout takes whole milliseconds only.
    const limit = Math.ceil(Math.max(LAST_ATTEMPT, Math.min(ATTEMPT, left)));
    const finding = await probeServer(this.#database, location, limit, signal);
    signal.throwIfAborted();
    return finding;
  }
}

function unreachable(target: Target, finding: Finding, waited: number): Failure<'server-unreachable'> {
  const { host, port, database } = target.location;
  const { probe, reason, sqlstate, cause } = finding;
  const details = {
    server: target.server.name,
    host,
    port,
    database,
    probe: probe satisfies Probe,
    reason,
    sqlstate,
    waited,
  };
  return new Failure('server-unreachable', details, { cause });
}
