import pg from 'pg';
import { Failure } from '../../core/failure.ts';
import { type Database, DatabaseError, type Location, type Session } from '../../ports/database.ts';
import { translateError } from './driver-error.ts';
import { Pulse } from './pulse.ts';
import { PgSession } from './session.ts';
import { applicationName, SETTING_LEVELS, type SettingLevel, settleSql, startupOptions } from './startup-options.ts';
import { type OpenStream, openStream } from './stream.ts';
import { type Encryption, encryptions } from './tls.ts';

export interface PostgresOptions {
  /** The run's id; part of `application_name`. */
  readonly run: string;
  /** For one attempt from the first packet to a session that takes statements, in ms. */
  readonly connectTimeout?: number;
  /** How often a server that is silent is asked whether it is there, in ms. */
  readonly pulse?: number;
}

/** Sessions to real servers (and to PGlite's socket) over `pg`. */
export class PostgresDatabase implements Database {
  readonly #run: string;
  readonly #connectTimeout: number;
  /** By address: the newest settings that the server knows. */
  readonly #levels = new Map<string, SettingLevel>();
  readonly #pulse: Pulse;

  constructor(options: PostgresOptions) {
    this.#run = options.run;
    this.#connectTimeout = options.connectTimeout ?? 10_000;
    this.#pulse = new Pulse({
      period: options.pulse ?? 5_000,
      backends: (location, limit) => this.#findBackends(location, limit),
    });
  }

  async connect(location: Location, purpose: string, signal?: AbortSignal): Promise<Session> {
    const ways = encryptions(location);
    for (const [index, encryption] of ways.entries()) {
      try {
        return await this.#connectKnownSettings(location, purpose, encryption, signal);
      } catch (error) {
        if (index === ways.length - 1 || !otherWayMayServe(error, encryption)) throw error;
      }
    }
    throw new TypeError('there is always a way to try');
  }

  /** Asks with the settings of the newest PostgreSQL first, and again with fewer where the server does not know one. */
  async #connectKnownSettings(
    location: Location,
    purpose: string,
    encryption: Encryption,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    const address = `${location.host}:${location.port}`;
    const known = this.#levels.get(address) ?? SETTING_LEVELS[0];
    const levels = SETTING_LEVELS.filter((level) => level <= known);
    for (const level of levels) {
      try {
        const session = await this.#open(
          location,
          startupOptions(location, purpose, level),
          purpose,
          encryption,
          signal,
        );
        this.#levels.set(address, level);
        return session;
      } catch (error) {
        if (level === levels.at(-1) || !isUnknownSetting(error)) throw error;
      }
    }
    throw new TypeError('there is always a level to try');
  }

  async #open(
    location: Location,
    options: string | undefined,
    purpose: string,
    encryption: Encryption,
    signal: AbortSignal | undefined,
  ): Promise<Session> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(noAnswer(this.#connectTimeout)), this.#connectTimeout);
    const either = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
    try {
      const stream = await openStream(location, encryption, either);
      const client = this.#client(location, options, purpose, stream);
      const session = await new PgSession(client, stream, { shared: location.sessions === 'one' }).open(either);
      if (location.pooler === true) await settle(session, location, purpose);
      else if (location.sessions === 'many' && purpose !== PULSE) {
        stream.stream.once('close', this.#pulse.watch(session, location, purpose === 'lock'));
      }
      return session;
    } catch (error) {
      signal?.throwIfAborted();
      const translated = translateError(error, 'opening');
      throw asPooler(translated, location) ?? translated;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Backends of the server with their states, as far as the role may see them; undefined: it would not say, whatever the reason. */
  async #findBackends(location: Location, limit: number): Promise<ReadonlyMap<number, string | undefined> | undefined> {
    let session: Session | undefined;
    try {
      const deadline = AbortSignal.timeout(limit);
      const asking = await this.connect({ ...location, actAs: undefined }, PULSE, deadline);
      session = asking;
      deadline.addEventListener('abort', () => void asking.close(), { once: true });
      const { rows } = await asking.query<{ pid: number; state: string | null }>(
        'SELECT a.pid, a.state FROM pg_catalog.pg_stat_activity AS a',
      );
      return new Map(rows.map(({ pid, state }) => [pid, state ?? undefined]));
    } catch {
      // No place left, a changed password, a catalog that is locked: nothing of that says that the session is gone.
      return undefined;
    } finally {
      await session?.close();
    }
  }

  #client(location: Location, options: string | undefined, purpose: string, stream: OpenStream): pg.Client {
    return new pg.Client({
      host: location.host,
      port: location.port,
      database: location.database,
      user: location.role,
      password: location.password,
      options,
      application_name: applicationName(purpose, this.#run),
      // Messages do not wait for the answers to earlier ones.
      pipeline: true,
      // Negotiated before; undefined would make `pg` look at PGSSLMODE.
      ssl: false,
      stream: () => stream.stream,
    });
  }
}

const PULSE = 'pulse';

/** What start-up options do elsewhere. The deadline of the opening is over once the server has said yes; a statement's is not. */
async function settle(session: PgSession, location: Location, purpose: string): Promise<void> {
  try {
    const { rows } = await session.run(settleSql(location, purpose));
    session.adoptBackend(Number(rows[0]?.pid));
  } catch (error) {
    await session.close();
    throw error;
  }
}

/** PgBouncer knows few start-up parameters, and refuses a session that brings another: `options`, or one in it. */
function asPooler(error: unknown, { host, port, database }: Location): Failure<'pooler-refused'> | undefined {
  if (!(error instanceof DatabaseError && /unsupported startup parameter/i.test(error.message))) return undefined;
  const details = { host, port, database, sign: 'startup-parameter', reason: error.message } as const;
  return new Failure('pooler-refused', details, { cause: error });
}

function noAnswer(timeout: number): DatabaseError {
  return new DatabaseError(`no answer within ${timeout} ms`, { sqlstate: '08001', connection: true });
}

/** 22023: a platform on which the check interval must stay 0. */
function isUnknownSetting(error: unknown): boolean {
  return error instanceof DatabaseError && (error.sqlstate === '42704' || error.sqlstate === '22023');
}

/**
 * libpq tries `prefer` and `allow` the other way after any refusal. Here only after those that the other way can mend:
 * the server's rule for this kind of connection (28000, `no pg_hba.conf entry`) and a failed TLS handshake.
 */
function otherWayMayServe(error: unknown, tried: Encryption): boolean {
  if (!(error instanceof DatabaseError)) return false;
  if (error.sqlstate === '28000') return true;
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return tried.asks && typeof code === 'string' && /SSL|TLS|CERT/.test(code);
}
