import { Failure } from '../../core/failure.ts';
import type { Service } from '../../core/project.ts';
import type { Session } from '../../ports/database.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';

/**
 * Lets an application role read and write the owner's tables in schema `public`, those that exist and those to come.
 * To be sent in a session of the owner: default privileges cover only what the role that set them creates (V27).
 * Objects of others (an extension's) are left alone: granting on them is an error. Schema `orch` is out of it.
 * @throws Failure `prerequisite-unmet` where the role may do everything, which no grant could limit
 */
export async function grantAccess(session: Session, service: Service, role: string): Promise<void> {
  await requireLimited(session, service, role);
  const database = quoteIdentifier(await currentDatabase(session, service));
  await session.run(`GRANT CONNECT, TEMPORARY ON DATABASE ${database} TO ${quoteIdentifier(role)};\n${grantSql(role)}`);
}

async function requireLimited(session: Session, service: Service, role: string): Promise<void> {
  const { rows } = await session.query<{ super: boolean; owner: boolean }>(
    `SELECT r.rolsuper AS super, pg_catalog.pg_has_role(r.oid, current_user, 'MEMBER') AS owner
     FROM pg_catalog.pg_roles AS r WHERE r.rolname = $1`,
    [role],
  );
  const [found] = rows;
  if (found === undefined || !(found.super || found.owner)) return;
  throw new Failure('prerequisite-unmet', {
    service: service.name,
    database: service.database,
    what: 'role-unlimited',
    name: role,
    wanted: 'a role without rights of its own',
    found: found.super ? 'a superuser' : `a member of the owner ${service.owner.role}`,
  });
}

const TABLE_RIGHTS = 'SELECT, INSERT, UPDATE, DELETE';

/** PGlite's only database has its own name, whatever the config calls the service's. */
async function currentDatabase(session: Session, service: Service): Promise<string> {
  const { rows } = await session.query<{ name: string }>('SELECT pg_catalog.current_database() AS name');
  return rows[0]?.name ?? service.database;
}

/** What the role may do with tables to come; without the right to connect, which names the database. */
export function grantSql(role: string): string {
  const to = `TO ${quoteIdentifier(role)}`;
  return `GRANT USAGE ON SCHEMA public ${to};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ${TABLE_RIGHTS} ON TABLES ${to};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES ${to};
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT EXECUTE ON FUNCTIONS ${to};
DO ${quoteLiteral(grantExisting(role))}`;
}

function grantExisting(role: string): string {
  const grantee = quoteLiteral(role);
  return `
DECLARE
  own record;
  me oid := (SELECT r.oid FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user);
  space oid := (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'public');
BEGIN
  FOR own IN
    SELECT c.oid::pg_catalog.regclass AS name, c.relkind = 'S' AS is_sequence FROM pg_catalog.pg_class AS c
    WHERE c.relnamespace = space AND c.relowner = me AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')
  LOOP
    IF own.is_sequence THEN
      EXECUTE pg_catalog.format('GRANT USAGE, SELECT ON SEQUENCE %s TO %I', own.name, ${grantee});
    ELSE
      EXECUTE pg_catalog.format('GRANT ${TABLE_RIGHTS} ON TABLE %s TO %I', own.name, ${grantee});
    END IF;
  END LOOP;
  FOR own IN
    SELECT p.oid::pg_catalog.regprocedure AS name FROM pg_catalog.pg_proc AS p
    WHERE p.pronamespace = space AND p.proowner = me
  LOOP
    EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %I', own.name, ${grantee});
  END LOOP;
END`;
}
