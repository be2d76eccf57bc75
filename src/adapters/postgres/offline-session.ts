import { LEDGER_FORMAT } from '../../core/planners/upgrade.ts';
import type { Service } from '../../core/project.ts';
import type { IndexBuild } from '../../core/sql/index-build.ts';
import type { ExpectedRow } from '../../ports/offline-sql.ts';
import { databaseKey } from './advisory-lock.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { announcedSql } from './statement-record.ts';
import { TRANSACTION_LOCK_GRANTED } from './transaction-lock.ts';

/* What a connection of orch's brings by itself, written out for psql. */

/** ON_ERROR_STOP: psql goes on behind an error otherwise. The others put a psqlrc's settings back. */
export const OPENING = `\\set ON_ERROR_STOP on
\\set AUTOCOMMIT on
\\set ON_ERROR_ROLLBACK off
\\set SINGLELINE off
`;

/** As in `startup-options.ts`; PGCLIENTENCODING and a role's or database's own settings may say otherwise. */
export const SETTINGS = `SET client_encoding = 'UTF8';
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET synchronous_commit = on;
SET standard_conforming_strings = on;
SET client_min_messages = notice;
`;

/** Raises as the given message, with a hint. */
export function raiseSql(condition: string, message: string, hint: string): string {
  const body = `BEGIN IF ${condition} THEN RAISE EXCEPTION USING MESSAGE = ${quoteLiteral(message)}, HINT = ${quoteLiteral(hint)}; END IF; END`;
  return `DO ${quoteLiteral(body)};\n`;
}

/** Objects are the owner's whoever runs the script; a superuser or a member of the owner may. */
export function sessionSql({ owner }: Service): string {
  return `${SETTINGS}SET ROLE ${quoteIdentifier(owner.role)};\n`;
}

/** The lock that `orch migrate` takes: one that runs meanwhile waits, and one that runs already keeps the script out. */
export function acquireLockSql(service: Service): string {
  return raiseSql(
    `NOT pg_catalog.pg_try_advisory_lock(${databaseKey(service)})`,
    `another orch works on ${service.database}`,
    'run the script again once it is done',
  );
}

/** Of each revision's transaction, as `migrate` takes it. */
export function takeTransactionLockSql(): string {
  return raiseSql(
    `NOT ${TRANSACTION_LOCK_GRANTED}`,
    'another transaction of orch is open in this database',
    'run the script again once it is over',
  );
}

export function releaseLockSql(service: Service): string {
  return `DO ${quoteLiteral(`BEGIN PERFORM pg_catalog.pg_advisory_unlock(${databaseKey(service)}); END`)};\n`;
}

/** The owner must be who owns the database, as `migrate` asks for it. */
export function expectOwnerSql({ owner, database }: Service): string {
  const found = `(SELECT pg_catalog.pg_get_userbyid(d.datdba) FROM pg_catalog.pg_database AS d
    WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())`;
  return raiseSql(
    `${found} OPERATOR(pg_catalog.<>) ${quoteLiteral(owner.role)}`,
    `this database belongs to another role than ${owner.role}`,
    `is psql connected to ${database}? ALTER DATABASE … OWNER TO ${owner.role} hands it over`,
  );
}

/** A revision that is not applied, but of which statements outside a transaction were run, or one may have been. */
const BEGUN = `SELECT l.name FROM orch.ledger AS l WHERE l.state OPERATOR(pg_catalog.<>) 'applied'
  AND (l.statements_done OPERATOR(pg_catalog.>) 0 OR ${announcedSql('l.name')} IS NOT NULL) LIMIT 1`;

/** Dynamic, because without a ledger a mention of it could not be planned. */
export function expectRowsSql({ database }: Service, rows: readonly ExpectedRow[]): string {
  const wanted = rows.map(({ name, checksum }) => `${name} ${checksum}`).sort();
  const list = `ARRAY[${wanted.map(quoteLiteral).join(', ')}]::pg_catalog.text[]`;
  const found = `SELECT pg_catalog.array_agg(l.name || ' ' || l.checksum) FROM orch.ledger AS l
    WHERE l.kind OPERATOR(pg_catalog.=) 'revision' AND l.state OPERATOR(pg_catalog.=) 'applied'`;
  const last = rows.at(-1)?.name;
  const message = last === undefined ? `${database} has revisions already` : `${database} is not at ${last}`;
  const body = `DECLARE
  wanted pg_catalog.text[] := ${list};
  found pg_catalog.text[] := '{}';
  begun pg_catalog.text;
  format pg_catalog.int4 := 0;
BEGIN
  IF pg_catalog.to_regclass('orch.meta') IS NOT NULL THEN
    EXECUTE 'SELECT m.format FROM orch.meta AS m' INTO format;
  END IF;
  IF format OPERATOR(pg_catalog.>) ${LEDGER_FORMAT} THEN
    RAISE EXCEPTION USING MESSAGE = ${quoteLiteral(`the ledger of ${database} was written by a newer orch`)},
      DETAIL = pg_catalog.format('its format is %s; the orch that made this script knows formats up to ${LEDGER_FORMAT}', format),
      HINT = 'make the script with a newer orch';
  END IF;
  IF pg_catalog.to_regclass('orch.ledger') IS NOT NULL THEN
    EXECUTE ${quoteLiteral(found)} INTO found;
    EXECUTE ${quoteLiteral(BEGUN)} INTO begun;
  END IF;
  IF begun IS NOT NULL THEN
    RAISE EXCEPTION USING MESSAGE = pg_catalog.format('%s is half done: statements of it outside a transaction were run', begun),
      HINT = 'orch migrate goes on at the right statement; a script would run them again';
  END IF;
  IF NOT (COALESCE(found, '{}') OPERATOR(pg_catalog.@>) wanted AND wanted OPERATOR(pg_catalog.@>) COALESCE(found, '{}')) THEN
    RAISE EXCEPTION USING MESSAGE = ${quoteLiteral(message)},
      DETAIL = pg_catalog.format('applied: %s', COALESCE(NULLIF(pg_catalog.array_to_string(found, ', '), ''), 'nothing')),
      HINT = 'make the script anew for what is applied: orch sql <applied>:<target>';
  END IF;
END`;
  return `DO ${quoteLiteral(body)};\n`;
}

/** As `IndexGuard` makes sure of it: IF NOT EXISTS passes over an INVALID index (V14). */
export function requireIndexSql({ kind, relation, index }: IndexBuild): string {
  const named = index === undefined ? undefined : quoteLiteral(index);
  if (kind !== 'reindex-index' && (kind !== 'create' || named === undefined)) return '';
  const found = `pg_catalog.to_regclass(${quoteLiteral(relation)})::pg_catalog.oid`;
  const which =
    kind === 'create'
      ? `i.indrelid OPERATOR(pg_catalog.=) ${found} AND c.relname OPERATOR(pg_catalog.=) ${named}::pg_catalog.name`
      : `c.oid OPERATOR(pg_catalog.=) ${found}`;
  return raiseSql(
    `NOT EXISTS (SELECT FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) i.indexrelid
    WHERE i.indisvalid AND ${which})`,
    `the index ${index ?? relation} is not there, or is INVALID`,
    'DROP INDEX CONCURRENTLY takes an INVALID one away',
  );
}

/** No password: none shall stand in a script. */
export function createRoleSql(role: string): string {
  const name = quoteLiteral(role);
  const body = `BEGIN
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname OPERATOR(pg_catalog.=) ${name}) THEN
    CREATE ROLE ${quoteIdentifier(role)} LOGIN;
    RAISE WARNING USING MESSAGE = ${quoteLiteral(`role ${role} was created without a password; give it one with ALTER ROLE ${quoteIdentifier(role)}`)};
  END IF;
END`;
  return `DO ${quoteLiteral(body)};\n`;
}

/** CREATE DATABASE goes in no block (25001): psql's \\gexec runs what the query gives, or nothing. */
export function createDatabaseSql({ database, owner }: Service): string {
  const create = `CREATE DATABASE ${quoteIdentifier(database)} OWNER ${quoteIdentifier(owner.role)}`;
  const isMissing = `WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_database AS d WHERE d.datname = ${quoteLiteral(database)})`;
  return `SELECT ${quoteLiteral(create)}, ${quoteLiteral(`REVOKE ALL ON DATABASE ${quoteIdentifier(database)} FROM PUBLIC`)} ${isMissing} \\gexec\n`;
}

/** As the role that logged in, as the admin does it for `migrate`: an extension that is not trusted needs a superuser. */
export function createExtensionSql(service: Service, extension: string): string {
  const wanted = service.extensions.find(({ name }) => name === extension)?.minimumVersion;
  const update = wanted === undefined ? '' : minimumVersionSql(extension, wanted);
  return `BEGIN;
RESET ROLE;
SET LOCAL search_path = public, pg_temp;
SET LOCAL client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS ${quoteIdentifier(extension)} CASCADE;
${update}COMMIT;
SET ROLE ${quoteIdentifier(service.owner.role)};
`;
}

function minimumVersionSql(extension: string, wanted: string): string {
  const parts = (text: string): string =>
    `pg_catalog.string_to_array(pg_catalog.substring(${text}, '^[0-9.]*[0-9]'), '.')::pg_catalog.int4[]`;
  const found = `(SELECT e.extversion FROM pg_catalog.pg_extension AS e WHERE e.extname = ${quoteLiteral(extension)})`;
  return raiseSql(
    `${parts(found)} OPERATOR(pg_catalog.<) ${parts(quoteLiteral(wanted))}`,
    `the extension ${extension} is older than ${wanted}`,
    `ALTER EXTENSION ${quoteIdentifier(extension)} UPDATE`,
  );
}
