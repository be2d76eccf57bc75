import { Failure } from '../../core/failure.ts';
import type { Loss } from '../../core/observed.ts';
import type { Credentials, Service } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import { type Database, DatabaseError, type Location } from '../../ports/database.ts';
import type { ServerAdmin } from '../../ports/server-admin.ts';
import type { Targets } from '../../ports/targets.ts';
import { grantAccess } from './access.ts';
import { ClusterLock, type ClusterLockOptions } from './cluster-lock.ts';
import {
  createDatabase,
  createRole,
  dropDatabase,
  findDatabase,
  givePublicSchema,
  isBefore15,
  roleExists,
} from './create-database.ts';
import { createExtension, updateExtension } from './extensions.ts';
import { findLoss } from './loss.ts';
import { requireOwnBackend, STANDING, type Standing } from './standing.ts';

export interface ServerAdminOptions {
  readonly database: Database;
  readonly targets: Pick<Targets, 'admin' | 'owner'>;
  readonly clock: Clock;
  /** The run's id, as the database adapter puts it into `application_name`. */
  readonly run: string;
  readonly signal: AbortSignal;
  /** How long to wait for another orch that prepares the same server, in ms. */
  readonly lockWait: number;
  readonly onLockWait?: ClusterLockOptions['onWait'];
}

/** In ms: who does not want to wait for a lock does not want to have a database left behind either. */
const DISCARD_WAIT = 10_000;

/** Roles, databases and extensions on a real server; on PGlite everything but creating and dropping databases. */
export class PostgresServerAdmin implements ServerAdmin {
  readonly #options: ServerAdminOptions;
  readonly #lock: ClusterLock;

  constructor(options: ServerAdminOptions) {
    this.#options = options;
    const { onLockWait: onWait } = options;
    this.#lock = new ClusterLock({ ...options, wait: options.lockWait, ...(onWait && { onWait }) });
  }

  async observe(service: Service): ReturnType<ServerAdmin['observe']> {
    const { database, targets, signal } = this.#options;
    const session = await database.connect(targets.admin(service) ?? targets.owner(service), 'observe', signal);
    try {
      const wanted = [service.owner.role, ...service.roles.map((role) => role.name)];
      const { rows } = await session.query<Standing & { readonly present: readonly string[] }>(
        `SELECT ARRAY(SELECT r.rolname::pg_catalog.text FROM pg_catalog.pg_roles AS r
           WHERE r.rolname = ANY ($1::pg_catalog.text[])) AS present, ${STANDING}`,
        [wanted],
      );
      if (rows[0] !== undefined) requireOwnBackend(session, service, rows[0]);
      const present = new Set(rows[0]?.present);
      const found = await findDatabase(session, service.database);
      return {
        missingRoles: wanted.filter((role) => !present.has(role)),
        // One that was never opened is created again, which finishes it.
        databaseExists: found !== undefined && !found.unfinished,
        databaseOwner: found?.owner,
      };
    } finally {
      await session.close();
    }
  }

  async createRole(service: Service, role: string): Promise<void> {
    const credentials = credentialsOf(service, role);
    await this.#lock.hold(this.#admin(service, role), service, {
      find: async (session) => ((await roleExists(session, role)) ? true : undefined),
      make: async (session) => {
        await createRole(session, credentials);
        return true;
      },
    });
  }

  async createDatabase(service: Service): Promise<void> {
    const location = this.#admin(service, service.database);
    const before15 = await this.#lock.hold(location, service, {
      find: async (session) => {
        const found = await findDatabase(session, service.database);
        // Another's or a half-made one is a matter for whoever has the lock.
        const isOurs = found?.unfinished === false && found.owner === service.owner.role;
        return isOurs ? await isBefore15(session) : undefined;
      },
      make: async (session) => {
        await createDatabase(session, service);
        return await isBefore15(session);
      },
    });
    if (!before15) return;
    await this.#lock.hold(this.#adminInside(service), service, (session) => givePublicSchema(session, service));
  }

  async createExtension(service: Service, extension: string): Promise<void> {
    await this.#lock.hold(this.#adminInside(service), service, (session) =>
      createExtension(session, service, extension),
    );
  }

  async updateExtension(service: Service, extension: string): Promise<void> {
    await this.#lock.hold(this.#adminInside(service), service, (session) =>
      updateExtension(session, service, extension),
    );
  }

  async grantAccess(service: Service, role: string): Promise<void> {
    const owner = this.#options.targets.owner(service);
    await this.#lock.hold(owner, service, (session) => grantAccess(session, service, role));
  }

  /** @returns undefined where the database does not exist */
  async loss(service: Service): Promise<Loss | undefined> {
    const { database, signal, run } = this.#options;
    try {
      const session = await database.connect(this.#adminInside(service), 'observe', signal);
      try {
        return await findLoss(session, service, run);
      } finally {
        await session.close();
      }
    } catch (error) {
      // No such database; or one that was never opened (55000), in which nothing is.
      if (error instanceof DatabaseError && (error.sqlstate === '3D000' || error.sqlstate === '55000'))
        return undefined;
      throw error;
    }
  }

  async dropDatabase(service: Service): Promise<void> {
    const location = this.#admin(service, service.database);
    await this.#lock.hold(location, service, (session) => dropDatabase(session, service));
  }

  async discardDatabase(service: Service): Promise<void> {
    const { signal } = new AbortController();
    const wait = Math.max(this.#options.lockWait, DISCARD_WAIT);
    const lock = new ClusterLock({ ...this.#options, signal, wait });
    const location = this.#admin(service, service.database);
    await lock.hold(location, service, (session) => dropDatabase(session, service));
  }

  /** @throws Failure `prerequisite-unmet` where no admin role is configured */
  #admin(service: Service, name: string): Location {
    const location = this.#options.targets.admin(service);
    if (location !== undefined) return location;
    throw new Failure('prerequisite-unmet', {
      service: service.name,
      database: service.database,
      what: 'admin-needed',
      name,
      wanted: `an admin role on server ${service.server.name}`,
      found: 'none',
    });
  }

  /** The service's own database as the admin role, or as its owner, who may create trusted extensions. */
  #adminInside(service: Service): Location {
    const { targets } = this.#options;
    return targets.admin(service, service.database) ?? targets.owner(service);
  }
}

function credentialsOf(service: Service, role: string): Credentials {
  if (role === service.owner.role) return service.owner;
  const found = service.roles.find((wanted) => wanted.name === role);
  return { role, password: found?.password };
}
