import { Failure, isFailure, type Probe } from '../core/failure.ts';
import type { Observed, ObservedContainer, ObservedDatabase, ObservedService } from '../core/observed.ts';
import type { Service } from '../core/project.ts';
import { DatabaseError, type Location } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import { asFailure } from './database-failure.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetSessions } from './target-sessions.ts';
import { ServerWaits } from './wait.ts';

export interface ObserveOptions {
  /** Look at the services' containers too. */
  readonly containers: boolean;
  /** Wait for a server that does not serve yet; false: it is a failure at once. */
  readonly wait: boolean;
  /** Take every image that can be built for missing. */
  readonly rebuild?: boolean;
}

/** One snapshot of these services: their databases in parallel, their containers in one go. Changes nothing. */
export async function observe(
  run: Run,
  sessions: TargetSessions,
  services: readonly Service[],
  options: ObserveOptions,
): Promise<Observed> {
  const waits = options.wait ? new ServerWaits(run) : undefined;
  const [containers, databases] = await Promise.all([
    observeContainers(run, services, options),
    Promise.all(services.map((service) => observeDatabase(run, sessions, service, waits))),
  ]);
  const entries = services.map((service, index): [string, ObservedService | Failure] => {
    const database = databases[index] as ObservedDatabase | Failure;
    if (database instanceof Failure) return [service.name, database];
    return [service.name, { database, container: containers.get(service.name) }];
  });
  return { services: new Map(entries) };
}

async function observeContainers(
  run: Run,
  services: readonly Service[],
  options: ObserveOptions,
): Promise<ReadonlyMap<string, ObservedContainer>> {
  if (!options.containers || run.ports.runtime === undefined) return new Map();
  return run.ports.runtime.observe(services, { rebuild: options.rebuild === true });
}

async function observeDatabase(
  run: Run,
  sessions: TargetSessions,
  service: Service,
  waits: ServerWaits | undefined,
): Promise<ObservedDatabase | Failure> {
  try {
    return await observeAsOwner(run, sessions, service).catch(async (error: unknown) => {
      if (!isNotServing(error) || waits === undefined) throw error;
      await sessions.of(service).close();
      await waits.waitFor(service);
      return observeAsOwner(run, sessions, service);
    });
  } catch (error) {
    run.signal.throwIfAborted();
    if (error instanceof Failure) return error;
    if (!(error instanceof DatabaseError)) throw error;
    if (error.connection) return unreachable(service, error, run.ports.targets.owner(service));
    return refused(error, sessions.of(service));
  }
}

async function observeAsOwner(run: Run, sessions: TargetSessions, service: Service): Promise<ObservedDatabase> {
  const target = sessions.of(service);
  const look = async (): Promise<ObservedDatabase> => {
    const observed = await run.ports.ledger.observe(await target.keeper(), service);
    await sessions.rest(service);
    return observed;
  };
  try {
    return await look();
  } catch (error) {
    if (!(error instanceof DatabaseError) || !OWNER_CANNOT_LOG_IN.has(error.sqlstate)) throw error;
    await target.close();
    return (await observeAsAdmin(run, service, error)) ?? (await look());
  }
}

/**
 * No such database; wrong password or no such role; not allowed to connect (PostgreSQL tells these apart only in its own
 * log); 55000: made but never opened, because the orch that made it was killed.
 */
const OWNER_CANNOT_LOG_IN = new Set(['3D000', '28P01', '28000', '42501', '55000']);

/** @returns undefined: all that the owner needs is there, as it is where another orch has just made it */
async function observeAsAdmin(run: Run, service: Service, error: DatabaseError): Promise<ObservedDatabase | undefined> {
  if (run.ports.targets.admin(service) === undefined) {
    throw error.sqlstate === '3D000' ? adminNeeded(service, error) : error;
  }
  const found = await run.ports.admin.observe(service).catch((refused: unknown) => {
    if (!(refused instanceof DatabaseError)) throw refused;
    throw unreachable(service, refused, run.ports.targets.admin(service) ?? run.ports.targets.owner(service));
  });
  const everythingIsThere = found.databaseExists && !found.missingRoles.includes(service.owner.role);
  const ownedByAnother = found.databaseOwner !== undefined && found.databaseOwner !== service.owner.role;
  if (everythingIsThere && !ownedByAnother) return undefined;
  return {
    exists: found.databaseExists,
    owner: found.databaseOwner,
    ledger: undefined,
    extensions: [],
    missingRoles: found.missingRoles,
    rolesWithoutAccess: service.roles.filter((role) => role.access === 'application').map((role) => role.name),
  };
}

function adminNeeded(service: Service, cause: DatabaseError): Failure<'prerequisite-unmet'> {
  return new Failure(
    'prerequisite-unmet',
    {
      service: service.name,
      database: service.database,
      what: 'admin-needed',
      name: service.database,
      wanted: 'the database',
      found: 'no admin role to create it with',
    },
    { cause },
  );
}

/** True: waiting may help. 57P03 is "the database system is starting up"; for a free place (53300) it was waited already. */
function isNotServing(error: unknown): boolean {
  if (isFailure(error, 'server-unreachable')) return error.details.sqlstate !== '53300';
  return error instanceof DatabaseError && (error.connection || error.sqlstate === '57P03');
}

function unreachable(service: Service, error: DatabaseError, location: Location): Failure<'server-unreachable'> {
  const { host, port, database, role } = location;
  return new Failure(
    'server-unreachable',
    {
      server: service.server.name,
      host,
      port,
      database,
      role,
      probe: probeOf(error),
      reason: error.message,
      sqlstate: isOfConnection(error) ? undefined : error.sqlstate,
      waited: 0,
    },
    { cause: error },
  );
}

/** The server was reached, and refused what is asked of it: that is no matter of reaching it. */
function refused(error: DatabaseError, target: TargetSession): Failure {
  const failure = asFailure(error, target, 'reading the ledger');
  if (failure instanceof Failure) return failure;
  throw failure;
}

/** Which probe would not have passed: whatever has an SQLSTATE of its own was said by the server. */
function probeOf(error: DatabaseError): Probe {
  if (error.sqlstate.startsWith('57P0')) return 'startup';
  if (!isOfConnection(error)) return 'login';
  const { code } = (error.cause ?? {}) as { readonly code?: unknown };
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN' ? 'resolve' : 'tcp';
}

function isOfConnection({ sqlstate }: DatabaseError): boolean {
  return sqlstate === '' || sqlstate.startsWith('08');
}
