import { Failure } from '../../core/failure.ts';
import type { Credentials, Service } from '../../core/project.ts';
import { DatabaseError, type Session } from '../../ports/database.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { scramVerifier } from './scram.ts';

export async function roleExists(session: Session, role: string): Promise<boolean> {
  const { rowCount } = await session.query('SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1', [role]);
  return rowCount > 0;
}

/** Creates a role that may log in; one that exists stays as it is, its password too. */
export async function createRole(session: Session, { role, password }: Credentials): Promise<void> {
  if (await roleExists(session, role)) return;
  const secret = password === undefined ? '' : ` PASSWORD ${quoteLiteral(await scramVerifier(password))}`;
  await session.run(`CREATE ROLE ${quoteIdentifier(role)} LOGIN${secret}`);
}

export interface FoundDatabase {
  readonly owner: string;
  /** Created, but not opened: an orch was killed between the two. */
  readonly unfinished: boolean;
}

/**
 * Looks a database up from any other one. `unfinished` is told from a database that an administrator closed by its
 * privileges: `createDatabase` sets them in the transaction that opens it.
 */
export async function findDatabase(session: Session, name: string): Promise<FoundDatabase | undefined> {
  const { rows } = await session.query<FoundDatabase>(
    `SELECT pg_catalog.pg_get_userbyid(d.datdba) AS owner, NOT d.datallowconn AND d.datacl IS NULL AS unfinished
     FROM pg_catalog.pg_database AS d WHERE d.datname = $1`,
    [name],
  );
  return rows[0];
}

/**
 * Creates the service's database for its owner alone: others, such as roles of other services, may not connect.
 * CREATE DATABASE is no part of any transaction (25001); so the database is born closed and opened with its
 * privileges in place, and a kill in between leaves what the next run recognises and finishes.
 * @throws Failure `prerequisite-unmet` where it exists and belongs to someone else
 */
export async function createDatabase(session: Session, service: Service): Promise<void> {
  const name = quoteIdentifier(service.database);
  const owner = quoteIdentifier(service.owner.role);
  const before = await findDatabase(session, service.database);
  if (before !== undefined) requireOwner(service, before);
  else await asMemberOf(session, owner, `CREATE DATABASE ${name} OWNER ${owner} ALLOW_CONNECTIONS false`);
  if (before?.unfinished === false) return;
  await asMemberOf(
    session,
    owner,
    `REVOKE ALL ON DATABASE ${name} FROM PUBLIC; ALTER DATABASE ${name} ALLOW_CONNECTIONS true`,
  );
}

/** Ends other sessions and drops the database; none is fine too. */
export async function dropDatabase(session: Session, service: Service): Promise<void> {
  const drop = `DROP DATABASE IF EXISTS ${quoteIdentifier(service.database)} WITH (FORCE)`;
  await asMemberOf(session, quoteIdentifier(service.owner.role), drop);
}

/** Before PostgreSQL 15 `public` belongs to the superuser, and everybody may create in it. */
export async function givePublicSchema(session: Session, service: Service): Promise<void> {
  const owner = quoteIdentifier(service.owner.role);
  await session.run(`GRANT USAGE, CREATE ON SCHEMA public TO ${owner}; REVOKE CREATE ON SCHEMA public FROM PUBLIC`);
}

/** True where `givePublicSchema` is needed. */
export async function isBefore15(session: Session): Promise<boolean> {
  const { rows } = await session.query<{ before: boolean }>(
    "SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 < 150000 AS before",
  );
  return rows[0]?.before === true;
}

/** An admin role that is no superuser must be a member of the owner to act on what is the owner's (42501). */
async function asMemberOf(session: Session, owner: string, sql: string): Promise<void> {
  try {
    await session.run(sql);
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.sqlstate !== '42501') throw error;
    await session.run(`GRANT ${owner} TO CURRENT_USER`);
    await session.run(sql);
  }
}

function requireOwner(service: Service, found: FoundDatabase): void {
  if (found.owner === service.owner.role) return;
  throw new Failure('prerequisite-unmet', {
    service: service.name,
    database: service.database,
    what: 'database-owner',
    name: service.database,
    wanted: service.owner.role,
    found: found.owner,
  });
}
