import type { LedgerRow, ObservedDatabase, ObservedExtension, ObservedLedger } from '../../core/observed.ts';
import type { Service } from '../../core/project.ts';
import { compareVersions } from '../../core/version.ts';
import { DatabaseError, type Session } from '../../ports/database.ts';

/** No such table, column or schema. */
const OTHER_LAYOUT: ReadonlySet<string> = new Set(['42P01', '42703', '3F000']);

/**
 * Looks at the service's database: one round trip where the ledger is of our format and no extension is missing.
 * Not inside a transaction: the first try fails where there is no ledger.
 * @returns a ledger of a newer format with its number and without rows
 * @throws DatabaseError 42501 where the role may not read the ledger
 */
export async function observeDatabase(session: Session, service: Service): Promise<ObservedDatabase> {
  const { seen, ledger } = await readAll(session, service);
  return {
    exists: true,
    owner: seen.owner,
    ledger,
    extensions: await addAvailable(session, service, seen.extensions),
    missingRoles: seen.missingRoles,
    rolesWithoutAccess: seen.rolesWithoutAccess,
  };
}

interface Seen {
  readonly owner: string;
  readonly extensions: readonly { readonly name: string; readonly installed: string | null }[];
  readonly missingRoles: readonly string[];
  readonly rolesWithoutAccess: readonly string[];
}

interface SeenLedger {
  readonly format: number | null;
  readonly rows: readonly (Omit<LedgerRow, 'appliedAt'> & { readonly appliedAt: string })[];
}

async function readAll(
  session: Session,
  service: Service,
): Promise<{ readonly seen: Seen; readonly ledger: ObservedLedger | undefined }> {
  try {
    const { rows } = await session.query<{ seen: Seen; ledger: SeenLedger }>(
      `SELECT ${SEEN} AS seen, ${LEDGER} AS ledger`,
      parametersOf(service),
    );
    const row = rows[0];
    if (row === undefined) throw new TypeError('a SELECT without FROM gives one row');
    return { seen: row.seen, ledger: ledgerOf(row.ledger) };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.sqlstate === '42501') throw unreadable(service, error);
    if (!OTHER_LAYOUT.has(error.sqlstate)) throw error;
    return await readWithoutLedger(session, service);
  }
}

async function readWithoutLedger(
  session: Session,
  service: Service,
): Promise<{ readonly seen: Seen; readonly ledger: ObservedLedger | undefined }> {
  const { rows } = await session.query<{ seen: Seen; meta: boolean; ledger: boolean }>(
    `SELECT ${SEEN} AS seen, pg_catalog.to_regclass('orch.meta') IS NOT NULL AS meta,
       pg_catalog.to_regclass('orch.ledger') IS NOT NULL AS ledger`,
    parametersOf(service),
  );
  const row = rows[0];
  if (row === undefined) throw new TypeError('a SELECT without FROM gives one row');
  return { seen: row.seen, ledger: row.meta ? await readFormat(session) : undefined };
}

/** Reads whole rows as JSON: a column that is not there cannot make it fail. */
async function readFormat(session: Session): Promise<ObservedLedger | undefined> {
  const { rows } = await session.query<{ format: number | null }>(
    `SELECT (pg_catalog.to_jsonb(m) ->> 'format')::pg_catalog.int4 AS format FROM orch.meta AS m LIMIT 1`,
  );
  const format = rows[0]?.format ?? undefined;
  return format === undefined ? undefined : { format, rows: [] };
}

function parametersOf(service: Service): readonly unknown[] {
  return [
    service.extensions.map((extension) => extension.name),
    [service.owner.role, ...service.roles.map((role) => role.name)],
    service.roles.filter((role) => role.access === 'application').map((role) => role.name),
  ];
}

/**
 * `rolesWithoutAccess`: default privileges of the owner are the mark of `grant-access`. Rights on single tables are
 * not compared: a revision may have taken one away on purpose.
 */
const SEEN = `pg_catalog.json_build_object(
  'owner', (SELECT pg_catalog.pg_get_userbyid(d.datdba) FROM pg_catalog.pg_database AS d
            WHERE d.datname = pg_catalog.current_database()),
  'extensions', (SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object('name', w.name, 'installed', e.extversion)
                   ORDER BY w.place), '[]')
                 FROM pg_catalog.unnest($1::pg_catalog.text[]) WITH ORDINALITY AS w (name, place)
                 LEFT JOIN pg_catalog.pg_extension AS e ON e.extname = w.name),
  'missingRoles', (SELECT COALESCE(pg_catalog.json_agg(w.name ORDER BY w.place), '[]')
                   FROM pg_catalog.unnest($2::pg_catalog.text[]) WITH ORDINALITY AS w (name, place)
                   WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = w.name)),
  'rolesWithoutAccess', (SELECT COALESCE(pg_catalog.json_agg(w.name ORDER BY w.place), '[]')
                   FROM pg_catalog.unnest($3::pg_catalog.text[]) WITH ORDINALITY AS w (name, place)
                   JOIN pg_catalog.pg_roles AS r ON r.rolname = w.name
                   WHERE NOT pg_catalog.has_database_privilege(r.oid, pg_catalog.current_database(), 'CONNECT')
                   OR NOT EXISTS (
                     SELECT FROM pg_catalog.pg_default_acl AS d, pg_catalog.aclexplode(d.defaclacl) AS a
                     WHERE d.defaclobjtype = 'r' AND a.grantee = r.oid
                       AND d.defaclrole = (SELECT o.oid FROM pg_catalog.pg_roles AS o WHERE o.rolname = current_user)
                       AND d.defaclnamespace = (SELECT n.oid FROM pg_catalog.pg_namespace AS n WHERE n.nspname = 'public'))))`;

/** Never `up_text` and `down_text`: they may be large. */
const LEDGER = `pg_catalog.json_build_object(
  'format', (SELECT m.format FROM orch.meta AS m),
  'rows', (SELECT COALESCE(pg_catalog.json_agg(pg_catalog.json_build_object(
      'kind', l.kind, 'id', l.id, 'name', l.name, 'parents', l.parents, 'checksum', l.checksum, 'state', l.state,
      'statementsDone', l.statements_done, 'appliedAt', l.applied_at, 'duration', l.duration_ms, 'role', l.role,
      'host', l.host, 'orchVersion', l.orch_version, 'run', l.run_id) ORDER BY l.sequence), '[]')
    FROM orch.ledger AS l))`;

function ledgerOf(seen: SeenLedger): ObservedLedger | undefined {
  if (seen.format === null) return undefined;
  const rows = seen.rows.map((row) => ({ ...row, appliedAt: new Date(row.appliedAt).toISOString() }));
  return { format: seen.format, rows };
}

/** What the server has is asked only where it matters: the answer reads every control file of the server's disk. */
async function addAvailable(
  session: Session,
  service: Service,
  seen: Seen['extensions'],
): Promise<readonly ObservedExtension[]> {
  const enough = seen.every(({ name, installed }) => {
    const minimum = service.extensions.find((extension) => extension.name === name)?.minimumVersion;
    return installed !== null && (minimum === undefined || compareVersions(installed, minimum) >= 0);
  });
  const available = enough ? undefined : await findAvailable(session, seen.map(({ name }) => name));
  return seen.map(({ name, installed }) => ({
    name,
    installed: installed ?? undefined,
    available: available === undefined ? (installed ?? undefined) : available.get(name),
  }));
}

/** The versions that `CREATE EXTENSION` and `ALTER EXTENSION … UPDATE` would give, by name. */
export async function findAvailable(session: Session, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await session.query<{ name: string; version: string }>(
    `SELECT a.name, a.default_version AS version FROM pg_catalog.pg_available_extensions AS a
     WHERE a.name = ANY ($1::pg_catalog.text[])`,
    [names],
  );
  return new Map(rows.map(({ name, version }) => [name, version]));
}

function unreadable(service: Service, cause: DatabaseError): DatabaseError {
  const message = `the ledger of ${service.database} (schema orch) cannot be read by this role: ${cause.message}`;
  return new DatabaseError(message, {
    sqlstate: cause.sqlstate,
    serverHint: 'the role that applies revisions owns the database and the schema orch',
    connection: false,
    cause,
  });
}
