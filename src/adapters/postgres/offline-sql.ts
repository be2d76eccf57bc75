import { createHash } from 'node:crypto';
import type { Service } from '../../core/project.ts';
import type { Revision } from '../../core/revision.ts';
import type { TransactionSettings, Writer } from '../../ports/ledger.ts';
import type { OfflineSql } from '../../ports/offline-sql.ts';
import { grantSql } from './access.ts';
import { dropCursorsSql } from './cursor-sql.ts';
import { beginBuildSql } from './index-builds.ts';
import { beginRevertSql, finishRevertSql, startRevertSql } from './ledger-change-sql.ts';
import { ledgerSchemaSql } from './ledger-schema.ts';
import {
  type Duration,
  finishSql,
  insertRowSql,
  isRow,
  logSql,
  PREPARE_COMMIT,
  progressSql,
  startSql,
} from './ledger-sql.ts';
import { actionSql } from './offline-actions.ts';
import {
  acquireLockSql,
  createDatabaseSql,
  createExtensionSql,
  createRoleSql,
  expectOwnerSql,
  expectRowsSql,
  OPENING,
  raiseSql,
  releaseLockSql,
  requireIndexSql,
  SETTINGS,
  sessionSql,
  takeTransactionLockSql,
} from './offline-session.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';
import { announceSql } from './statement-record.ts';
import { TAKE_TRANSACTION_LOCK } from './transaction-lock.ts';

const EQUALS = 'OPERATOR(pg_catalog.=)';

/** In ms, since the transaction began. */
const SINCE_BEGIN: Duration = {
  sql: `((pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()) OPERATOR(pg_catalog.-) pg_catalog.date_part('epoch', pg_catalog.transaction_timestamp())) OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8`,
};

/** The statements of the ledger and of what surrounds it, for psql. */
export const offlineSql: OfflineSql = {
  writer: (script, version) => ({ run: runOf(script), host: 'orch sql', version }),
  opening: () => OPENING,
  connect: (database) => `\\connect ${quoteIdentifier(database)}\n`,
  session: sessionSql,
  acquireLock: (service) => `${expectOwnerSql(service)}${acquireLockSql(service)}`,
  releaseLock: (service) => `${releaseLockSql(service)}RESET ROLE;\n`,
  expectRevisions: expectRowsSql,
  createRole: createRoleSql,
  createDatabase: createDatabaseSql,
  createExtension: createExtensionSql,
  grantAccess,
  createLedger: (writer) =>
    `BEGIN;\n${ledgerSchemaSql().trim()}\n${logSql(entryOf('create-ledger', undefined, 0), writer)};\nCOMMIT;\n`,
  begin: (revision, writer, settings) =>
    `BEGIN;\n${takeTransactionLockSql()}${timeouts('SET LOCAL', settings)}${insertRowSql(revision, writer, 'started')};\n`,
  commit: (service, revision, writer) =>
    `${prepare(service)}${checkSql(service, revision, writer)}${finishSql(revision, writer, SINCE_BEGIN)};\nCOMMIT;\n${resetSql(service)}`,
  lockTimeout: (duration) => `SET lock_timeout = ${Math.round(duration)};\n`,
  beginBuild(begun, writer) {
    const sql = beginBuildSql(begun, writer);
    return sql === '' ? '' : `${sql};\n`;
  },
  requireIndex: requireIndexSql,
  start: (revision, writer, settings) => `${begun(startSql(revision, writer))}${timeouts('SET', settings)}`,
  recorded(service, revision, done) {
    const record = asOwner(service, progressSql(revision, done));
    return { begin: 'BEGIN;\n', record, commit: 'COMMIT;\n', alone: `BEGIN READ WRITE;\n${record}COMMIT;\n` };
  },
  announce: (service, announced, writer) =>
    `BEGIN READ WRITE;\n${asOwner(service, announceSql(announced, 'announced', writer))}COMMIT;\n`,
  finish: (service, revision, writer) =>
    `${resetSql(service)}BEGIN;\n${cursorsOf(revision)}${finishSql(revision, writer, sinceStart(revision))};\nCOMMIT;\n`,
  beginRevert: (revision, settings) =>
    `${withoutResult(beginRevertSql(revision, settings)).replace(`${TAKE_TRANSACTION_LOCK};\n`, () => takeTransactionLockSql())};\n`,
  commitRevert: (service, revision, writer) =>
    `${prepare(service)}${logSql(entryOf('revert', revision.name, SINCE_BEGIN), writer)};\nCOMMIT;\n${resetSql(service)}`,
  startRevert: (revision, settings) => `${begun(startRevertSql(revision))}${timeouts('SET', settings)}`,
  finishRevert: (service, revision, writer) =>
    `${resetSql(service)}${withoutResult(finishRevertSql(revision, writer, 0))};\nCOMMIT;\n`,
  action: actionSql,
  restrict({ run }) {
    const key = `orch${run.replaceAll('-', '')}`;
    return { before: `\\restrict ${key}\n`, after: `\\unrestrict ${key}\n` };
  },
  stop: (message, hint) => raiseSql('true', message, hint),
  onlyIf(revision, state) {
    const isThere = `EXISTS (SELECT FROM orch.ledger AS l WHERE ${isRow(revision, 'l')} AND l.state ${EQUALS} 'applied')`;
    const found = state === 'applied' ? isThere : `NOT ${isThere}`;
    return { before: `SELECT ${found} AS orch_due \\gset\n\\if :orch_due\n`, after: '\\endif\n' };
  },
};

/** A UUID (version 8: made of a hash) that is the same for the same script. */
function runOf(script: string): string {
  const hex = createHash('sha256').update(script).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** psql would print rows that only orch reads. */
function withoutResult(sql: string): string {
  return sql.replace(/ RETURNING [^;]*$/, '');
}

function timeouts(set: 'SET' | 'SET LOCAL', { lockTimeout, statementTimeout }: TransactionSettings): string {
  return `${set} lock_timeout = ${Math.round(lockTimeout)};\n${set} statement_timeout = ${Math.round(statementTimeout)};\n`;
}

/** As `PostgresLedger` begins what runs outside a transaction. */
function begun(sql: string): string {
  return `BEGIN;\n${takeTransactionLockSql()}${sql};\nCOMMIT;\n`;
}

function prepare({ owner }: Service): string {
  return `${PREPARE_COMMIT}\nSET ROLE ${quoteIdentifier(owner.role)};\n`;
}

/** As `checkSql` of the ledger; the transaction is told by the row, which it inserted itself. */
function checkSql({ owner }: Service, revision: Revision, writer: Writer): string {
  const own = `EXISTS (SELECT FROM orch.ledger AS l WHERE ${isRow(revision, 'l')}
    AND l.run_id ${EQUALS} ${quoteLiteral(writer.run)}::pg_catalog.uuid
    AND l.xmin ${EQUALS} pg_catalog.pg_current_xact_id()::pg_catalog.xid
    AND l.role ${EQUALS} ${quoteLiteral(owner.role)})`;
  return raiseSql(
    `NOT ${own}`,
    'the revision ended its own transaction, or removed its row from the ledger',
    'remove COMMIT and ROLLBACK from it',
  );
}

/**
 * As `recordSql`: a statement of the ledger behind one of a text that may have set a role or time-outs, and whose deferred
 * triggers are to run with that role. psql's own session has the lock, so that nobody else can have gone on.
 */
function asOwner({ owner }: Service, sql: string): string {
  return `SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SET LOCAL ROLE ${quoteIdentifier(owner.role)};
SET LOCAL lock_timeout = 0;
SET LOCAL statement_timeout = 0;
${sql};
`;
}

/** What a text left goes with it: as between the revisions of `migrate`, where the lock is another session's. */
function resetSql(service: Service): string {
  return `CLOSE ALL;
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
RESET ALL;
DEALLOCATE ALL;
UNLISTEN *;
DISCARD PLANS;
DISCARD SEQUENCES;
DISCARD TEMPORARY;
${SETTINGS}SET ROLE ${quoteIdentifier(service.owner.role)};
`;
}

function cursorsOf(revision: Revision): string {
  return revision.up.language === 'typescript' ? `${dropCursorsSql(revision)};\n` : '';
}

function sinceStart(revision: Revision): Duration {
  const epoch = (time: string): string => `pg_catalog.date_part('epoch', ${time})`;
  const began = `(SELECT ${epoch('s.applied_at')} FROM orch.ledger AS s WHERE ${isRow(revision, 's')})`;
  return {
    sql: `((${epoch('pg_catalog.clock_timestamp()')} OPERATOR(pg_catalog.-) ${began}) OPERATOR(pg_catalog.*) 1000)::pg_catalog.int8`,
  };
}

function grantAccess({ owner }: Service, role: string): string {
  const connect = `BEGIN EXECUTE pg_catalog.format('GRANT CONNECT, TEMPORARY ON DATABASE %I TO %I', pg_catalog.current_database(), ${quoteLiteral(role)}); END`;
  // Default privileges are those of the role that sets them.
  return `BEGIN;\nSET LOCAL ROLE ${quoteIdentifier(owner.role)};\nDO ${quoteLiteral(connect)};\n${grantSql(role)};\nCOMMIT;\n`;
}

function entryOf(action: 'create-ledger' | 'revert', revision: string | undefined, duration: Duration) {
  return { action, outcome: 'succeeded', revision, duration, sqlstate: undefined, message: undefined } as const;
}
