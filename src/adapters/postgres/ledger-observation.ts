import type {
  LedgerRow,
  ObservedContents,
  ObservedDatabase,
  ObservedExtension,
  ObservedLedger,
} from '../../core/observed.ts';
import { LEDGER_FORMAT } from '../../core/planners/upgrade.ts';
import type { Service } from '../../core/project.ts';
import { compareVersions } from '../../core/version.ts';
import { DatabaseError, type Session } from '../../ports/database.ts';
import { CONTENTS } from './contents-sql.ts';
import { findAvailable } from './extensions.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { requireOwnBackend, STANDING, type Standing, standingOf } from './standing.ts';
import { announcedSql } from './statement-record.ts';

/** No such table, column or schema. */
const OTHER_LAYOUT: ReadonlySet<string> = new Set(['42P01', '42703', '3F000']);

/**
 * Looks at the service's database: one round trip where the ledger is of our format and no extension is missing.
 * Not inside a transaction: the first try fails where there is no ledger.
 * @returns a ledger of a newer format with its number and without rows
 * @throws DatabaseError 42501 where the role may not read the ledger
 */
export async function observeDatabase(session: Session, service: Service): Promise<ObservedDatabase> {
  const { seen, ledger, contents } = await readAll(session, service);
  requireOwnBackend(session, service, seen);
  const extensions = service.extensions.map(({ name }, index) => ({
    name,
    installed: seen.installed[index] ?? undefined,
  }));
  const lacksAccess = (name: string, index: number): boolean =>
    seen.connect[index] === false || (seen.connect[index] === true && seen.defaults?.includes(name) !== true);
  return {
    exists: true,
    owner: seen.owner,
    ledger,
    contents,
    extensions: await addAvailable(session, service, extensions),
    missingRoles: rolesOf(service).filter((_, index) => seen.missing[index] === true),
    rolesWithoutAccess: applicationRolesOf(service).filter(lacksAccess),
    ...standingOf(seen),
  };
}

interface Seen extends Standing {
  readonly owner: string;
  /** Versions, in the order of `service.extensions`. */
  readonly installed: readonly (string | null)[];
  /** In the order of `rolesOf`. */
  readonly missing: readonly boolean[];
  /** In the order of `applicationRolesOf`; null: there is no such role. */
  readonly connect: readonly (boolean | null)[];
  /** Roles to which the owner's new tables in `public` are granted. */
  readonly defaults: readonly string[] | null;
}

interface SeenRow extends Seen {
  readonly format: number | null;
  readonly kind: LedgerRow['kind'];
  readonly id: string;
  /** Null in the only row where the ledger has none. */
  readonly name: string | null;
  readonly parents: readonly string[];
  readonly checksum: string;
  readonly state: LedgerRow['state'];
  readonly statements_done: number;
  readonly announced: number | null;
  readonly begun_text: string | null;
  /** In seconds. */
  readonly at: number;
  readonly duration_ms: string;
  readonly role: string;
  readonly host: string;
  readonly orch_version: string;
  readonly run_id: string;
  readonly requires: readonly string[];
  readonly down_checksum: string | null;
  readonly up_file: string;
  readonly down_file: string | null;
  readonly variables: Readonly<Record<string, string>>;
  readonly note: string | null;
  readonly file_gone: boolean;
}

interface Found {
  readonly seen: Seen;
  readonly ledger: ObservedLedger | undefined;
  readonly contents?: ObservedContents | undefined;
}

/** @param before what the last try failed with */
async function readAll(session: Session, service: Service, before?: DatabaseError): Promise<Found> {
  try {
    const rows = await read<SeenRow>(session, `SELECT ${seenSql(service)}, ${LEDGER}`);
    const [first] = rows;
    return {
      seen: first,
      ledger: first.format === null ? undefined : { format: first.format, rows: ledgerRows(rows) },
    };
  } catch (error) {
    if (!(error instanceof DatabaseError)) throw error;
    if (error.sqlstate === '42501') throw unreadable(service, error);
    if (!OTHER_LAYOUT.has(error.sqlstate)) throw error;
    const found = await readWithoutLedger(session, service);
    if (found.ledger === undefined || found.ledger.format > LEDGER_FORMAT) return found;
    // Of our own format, and yet not readable: another orch has just made it. Or it is broken: taken for an empty one, it
    // would have every revision applied again.
    if (before !== undefined) throw error;
    return await readAll(session, service, error);
  }
}

async function readWithoutLedger(session: Session, service: Service): Promise<Found> {
  const [seen] = await read<Seen & { readonly meta: boolean; readonly contents: ObservedContents }>(
    session,
    `SELECT ${seenSql(service)}, pg_catalog.to_regclass('orch.meta') IS NOT NULL AS meta, ${CONTENTS} AS contents`,
  );
  if (seen.meta) return { seen, ledger: await readFormat(session) };
  return { seen, ledger: undefined, contents: seen.contents.count === 0 ? undefined : seen.contents };
}

/** Reads whole rows as JSON: a column that is not there cannot make it fail. */
async function readFormat(session: Session): Promise<ObservedLedger | undefined> {
  const [{ format }] = await read<{ format: number | null }>(
    session,
    `SELECT (SELECT (pg_catalog.to_jsonb(m) ->> 'format')::pg_catalog.int4 FROM orch.meta AS m LIMIT 1) AS format`,
  );
  return format === null ? undefined : { format, rows: [] };
}

/** For statements that give at least one row. */
async function read<Row>(session: Session, sql: string): Promise<readonly [Row, ...Row[]]> {
  const { rows } = await session.run(sql);
  return rows as unknown as readonly [Row, ...Row[]];
}

function rolesOf(service: Service): readonly string[] {
  return [service.owner.role, ...service.roles.map((role) => role.name)];
}

function applicationRolesOf(service: Service): readonly string[] {
  return service.roles.filter((role) => role.access === 'application').map((role) => role.name);
}

/**
 * Columns of `Seen`. Functions look up what views such as `pg_roles` would have to be planned for: this is the one
 * statement of a run that finds nothing to do, in a backend whose caches are cold.
 * Default privileges are the mark of `grant-access`; rights on single tables are not compared, because a revision may
 * have taken one away on purpose.
 */
function seenSql(service: Service): string {
  const installed = service.extensions.map(
    ({ name }) => `(SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = ${quoteLiteral(name)})`,
  );
  const missing = rolesOf(service).map((name) => `${roleId(name)} IS NULL`);
  const connect = applicationRolesOf(service).map(
    (name) => `CASE WHEN ${roleId(name)} IS NOT NULL THEN
      pg_catalog.has_database_privilege(${roleId(name)}::pg_catalog.oid, pg_catalog.current_database(), 'CONNECT') END`,
  );
  return `
  (SELECT pg_catalog.pg_get_userbyid(d.datdba) FROM pg_catalog.pg_database AS d
   WHERE d.datname = pg_catalog.current_database()) AS owner,
  ARRAY[${installed.join(', ')}]::pg_catalog.text[] AS installed,
  ARRAY[${missing.join(', ')}]::pg_catalog.bool[] AS missing,
  ARRAY[${connect.join(', ')}]::pg_catalog.bool[] AS connect,
  ${connect.length === 0 ? 'NULL' : DEFAULTS} AS defaults, ${STANDING}`;
}

function roleId(name: string): string {
  return `pg_catalog.to_regrole(${quoteLiteral(quoteIdentifier(name))})`;
}

const DEFAULTS = `(SELECT pg_catalog.array_agg(pg_catalog.pg_get_userbyid(a.grantee)::pg_catalog.text)
   FROM pg_catalog.pg_default_acl AS d, pg_catalog.aclexplode(d.defaclacl) AS a
   WHERE d.defaclobjtype = 'r' AND d.defaclnamespace = pg_catalog.to_regnamespace('public')
     AND d.defaclrole = pg_catalog.to_regrole(pg_catalog.quote_ident(current_user)))`;

/** A row of the ledger each, and one with nulls where it has none. No texts of what is applied: they may be large. */
const LEDGER = `(SELECT m.format FROM orch.meta AS m) AS format,
  l.kind, l.id, l.name, l.parents, l.checksum, l.state, l.statements_done,
  CASE WHEN l.state OPERATOR(pg_catalog.=) 'started' THEN l.up_text END AS begun_text,
  CASE WHEN l.state OPERATOR(pg_catalog.<>) 'applied' THEN ${announcedSql('l.name')} END AS announced,
  pg_catalog.date_part('epoch', l.applied_at) AS at, l.duration_ms, l.role, l.host, l.orch_version, l.run_id,
  l.requires, l.down_checksum, l.up_file, l.down_file, l.variables, l.note, l.file_gone
FROM (SELECT) AS one LEFT JOIN orch.ledger AS l ON true ORDER BY l.sequence`;

function ledgerRows(rows: readonly SeenRow[]): readonly LedgerRow[] {
  return rows.flatMap(({ name, ...row }): LedgerRow[] => {
    if (name === null) return [];
    const { kind, id, parents, checksum, state, role, host } = row;
    return [
      {
        ...{ kind, id, name, parents, checksum, state, role, host },
        statementsDone: row.statements_done,
        announced: row.announced ?? undefined,
        begunText: row.begun_text ?? undefined,
        appliedAt: new Date(row.at * 1_000).toISOString(),
        duration: Number(row.duration_ms),
        orchVersion: row.orch_version,
        run: row.run_id,
        requires: row.requires,
        downChecksum: row.down_checksum ?? undefined,
        upFile: row.up_file,
        downFile: row.down_file ?? undefined,
        variables: row.variables,
        note: row.note ?? undefined,
        fileGone: row.file_gone,
      },
    ];
  });
}

/** What the server has is asked only where it matters: the answer reads every control file of the server's disk. */
async function addAvailable(
  session: Session,
  service: Service,
  seen: readonly Omit<ObservedExtension, 'available'>[],
): Promise<readonly ObservedExtension[]> {
  const isEnough = ({ installed }: Omit<ObservedExtension, 'available'>, index: number): boolean => {
    const minimum = service.extensions[index]?.minimumVersion;
    return installed !== undefined && (minimum === undefined || compareVersions(installed, minimum) >= 0);
  };
  if (seen.every(isEnough)) return seen.map((extension) => ({ ...extension, available: extension.installed }));
  const available = await findAvailable(
    session,
    seen.map(({ name }) => name),
  );
  return seen.map((extension) => ({ ...extension, available: available.get(extension.name) }));
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
