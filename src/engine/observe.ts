import { Failure } from '../core/failure.ts';
import type { Observed, ObservedContainer, ObservedDatabase, ObservedService } from '../core/observed.ts';
import type { Service } from '../core/project.ts';
import { DatabaseError } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { TargetSessions } from './target-session.ts';
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
    if (error instanceof DatabaseError) return unreachable(run, service, error);
    throw error;
  }
}

async function observeAsOwner(run: Run, sessions: TargetSessions, service: Service): Promise<ObservedDatabase> {
  const target = sessions.of(service);
  try {
    return await run.ports.ledger.observe(await target.keeper(), service);
  } catch (error) {
    if (!(error instanceof DatabaseError) || !OWNER_CANNOT_LOG_IN.has(error.sqlstate)) throw error;
    await target.close();
    return observeAsAdmin(run, service, error);
  }
}

/** No such database; wrong password or no such role; not allowed to connect. PostgreSQL tells the last three apart only in its own log. */
const OWNER_CANNOT_LOG_IN = new Set(['3D000', '28P01', '28000', '42501']);

async function observeAsAdmin(run: Run, service: Service, error: DatabaseError): Promise<ObservedDatabase> {
  if (run.ports.targets.admin(service) === undefined) {
    throw error.sqlstate === '3D000' ? adminNeeded(service, error) : error;
  }
  const found = await run.ports.admin.observe(service);
  const everythingIsThere = found.databaseExists && !found.missingRoles.includes(service.owner.role);
  const ownedByAnother = found.databaseOwner !== undefined && found.databaseOwner !== service.owner.role;
  if (everythingIsThere && !ownedByAnother) throw error;
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

/** True: waiting may help. 57P03 is "the database system is starting up", 53300 "too many clients". */
function isNotServing(error: unknown): boolean {
  return (
    error instanceof DatabaseError && (error.connection || error.sqlstate === '57P03' || error.sqlstate === '53300')
  );
}

function unreachable(run: Run, service: Service, error: DatabaseError): Failure<'server-unreachable'> {
  const { host, port, database } = run.ports.targets.owner(service);
  return new Failure(
    'server-unreachable',
    {
      server: service.server.name,
      host,
      port,
      database,
      probe: error.connection ? 'tcp' : 'login',
      reason: error.message,
      sqlstate: error.sqlstate === '' ? undefined : error.sqlstate,
      waited: 0,
    },
    { cause: error },
  );
}
