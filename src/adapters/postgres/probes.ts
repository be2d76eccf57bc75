import { connect, isIP } from 'node:net';
import type { Probe } from '../../core/failure.ts';
import { type Database, DatabaseError, type Location, type Session } from '../../ports/database.ts';
import { messageOf } from './driver-error.ts';
import { requireOwnBackend, STANDING, type Standing } from './standing.ts';

/** Why a server does not serve yet. */
export interface Finding {
  readonly probe: Probe;
  readonly reason: string;
  readonly sqlstate: string | undefined;
  readonly cause: unknown;
  /**
   * Usually only a change by a person ends it. It is asked again for some seconds all the same: while the official
   * image initialises, its roles and `pg_hba.conf` come one after another.
   */
  readonly lasts: boolean;
}

/**
 * Wrong password; no such role or no `pg_hba.conf` entry; no such database; connecting not allowed; a certificate that
 * is not trusted is 08001 with a TLS code and judged by `isOfTls`; F0000: a certificate file that cannot be read.
 */
const LASTING: ReadonlySet<string> = new Set(['28P01', '28000', '3D000', '42501', '55000', 'F0000', '08P01']);

/**
 * Asks once, in the order of `Probe`.
 * @param limit for the whole attempt, in ms
 * @returns the first probe that did not pass; undefined: the server serves
 */
export async function probeServer(
  database: Database,
  location: Location,
  limit: number,
  signal: AbortSignal,
): Promise<Finding | undefined> {
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(limit)]);
  const silent = { sqlstate: undefined, cause: undefined, lasts: false, reason: `no answer within ${limit} ms` };
  let probe: Probe = 'resolve';
  try {
    const unresolved = await race(resolve(location.host), deadline);
    if (unresolved !== undefined) return unresolved;
    probe = 'tcp';
    const refused = await acceptsTcp(location, deadline);
    if (refused !== undefined) return refused;
    probe = 'login';
    return await askServer(database, location, deadline);
  } catch (error) {
    if (!deadline.aborted) throw error;
    return { probe, ...silent };
  }
}

/** A name with one label is a Compose service's, whose entry comes with the container's network: it may come yet. */
async function resolve(host: string): Promise<Finding | undefined> {
  if (isIP(host) !== 0 || host.startsWith('/')) return undefined;
  try {
    // Loaded late: a server that serves is not asked for in this way.
    const { lookup } = await import('node:dns/promises');
    await lookup(host);
    return undefined;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = `the name ${host} does not resolve (${code ?? 'unknown reason'})`;
    return { probe: 'resolve', reason, sqlstate: undefined, cause, lasts: host.includes('.') };
  }
}

async function acceptsTcp({ host, port }: Location, signal: AbortSignal): Promise<Finding | undefined> {
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  try {
    const refusal = await race(
      new Promise<Error | undefined>((settle) => {
        socket.on('error', settle);
        socket.once('connect', () => settle(undefined));
      }),
      signal,
    );
    if (refusal === undefined) return undefined;
    return { probe: 'tcp', reason: messageOf(refusal), sqlstate: undefined, cause: refusal, lasts: false };
  } finally {
    socket.destroy();
  }
}

async function askServer(database: Database, location: Location, signal: AbortSignal): Promise<Finding | undefined> {
  let session: Session;
  try {
    session = await database.connect(location, 'probe', signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof DatabaseError)) throw error;
    return refusedLogin(error);
  }
  try {
    return await race(askRole(session, location), signal);
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    return { probe: 'login', reason: error.message, sqlstate: error.sqlstate, cause: error, lasts: false };
  } finally {
    await session.close();
  }
}

function refusedLogin(error: DatabaseError): Finding {
  const { sqlstate, message } = error;
  // 57P03: "the database system is starting up" or shutting down; 57P01 and 57P02 come when it does so just now.
  const probe = ['57P01', '57P02', '57P03'].includes(sqlstate) ? 'startup' : 'login';
  return { probe, reason: message, sqlstate, cause: error, lasts: LASTING.has(sqlstate) || isOfTls(error) };
}

function isOfTls(error: DatabaseError): boolean {
  const code = (error.cause as { readonly code?: unknown } | undefined)?.code;
  return /sslmode/.test(error.message) || (typeof code === 'string' && /SSL|TLS|CERT/.test(code));
}

/** A standby takes no revision; nor does a server whose default is read-only. */
async function askRole(session: Session, location: Location): Promise<Finding | undefined> {
  const { rows } = await session.query<Standing>(`SELECT ${STANDING}`);
  const rest = { sqlstate: undefined, cause: undefined, lasts: false };
  if (rows[0] !== undefined) requireOwnBackend(session, { server: location, database: location.database }, rows[0]);
  if (rows[0]?.standby === true) return { probe: 'primary', reason: 'it is a standby in recovery', ...rest };
  if (rows[0]?.read_only !== 'off') return { probe: 'writable', reason: 'its transactions are read-only', ...rest };
  return undefined;
}

async function race<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  signal.throwIfAborted();
  let abort: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', abort);
    // What lost the race may still fail; it has been judged by the deadline.
    work.catch(() => undefined);
  }
}
