import type { LedgerRow } from '../../core/observed.ts';
import type { Revision, RevisionText } from '../../core/revision.ts';
import type { LogEntry, TransactionSettings, Writer } from '../../ports/ledger.ts';
import { quoteLiteral, quoteNullable, quoteTextArray } from './quoting.ts';

/*
 * Statements of the ledger as text, so that several go in one message. They run between a service's own statements,
 * under a search path that may put an application's objects first: every name is qualified, operators too.
 */

/** Longer texts are not kept beside their checksum, in bytes. */
const KEPT_TEXT = 1_000_000;
/** Longer messages are cut, in characters. */
const KEPT_MESSAGE = 4_000;

const EQUALS = 'OPERATOR(pg_catalog.=)';

/** What the transaction was when the revision began: a revision that changed it did not run as one transaction. */
export interface TransactionIdentity {
  readonly transaction: string;
  readonly role: string;
  readonly login: string;
}

const IDENTITY_COLUMNS = `pg_catalog.pg_current_xact_id()::pg_catalog.text AS transaction,
  current_user::pg_catalog.text AS role, session_user::pg_catalog.text AS login`;

/** Opens the transaction, sets its timeouts and inserts the row; gives the `TransactionIdentity`. */
export function beginSql(revision: Revision, writer: Writer, settings: TransactionSettings): string {
  return `BEGIN;
SET LOCAL lock_timeout = ${Math.round(settings.lockTimeout)};
SET LOCAL statement_timeout = ${Math.round(settings.statementTimeout)};
${insertRowSql(revision, writer, 'started')} RETURNING ${IDENTITY_COLUMNS}`;
}

/** Checks, marks the row applied, logs and commits: the checks raise OR001, which rolls all of it back. COMMIT is the last. */
export function commitStatements(
  revision: Revision,
  writer: Writer,
  duration: number,
  begun: TransactionIdentity,
): readonly string[] {
  return [
    'SET LOCAL lock_timeout = 0',
    'SET LOCAL statement_timeout = 0',
    checkSql(revision, writer, begun),
    finishSql(revision, writer, duration),
    'COMMIT',
  ];
}

/** SQLSTATE of a revision that ended its own transaction, changed its role, or removed its row. */
const REVISION_OVERSTEPPED = 'OR001';

function checkSql(revision: Revision, writer: Writer, begun: TransactionIdentity): string {
  const checks = [
    [
      `pg_catalog.pg_current_xact_id()::pg_catalog.text ${EQUALS} ${quoteLiteral(begun.transaction)}`,
      'ended its own transaction',
    ],
    [`current_user::pg_catalog.text ${EQUALS} ${quoteLiteral(begun.role)}`, 'left another role set'],
    [`session_user::pg_catalog.text ${EQUALS} ${quoteLiteral(begun.login)}`, 'left another session authorization set'],
    [
      `EXISTS (SELECT FROM orch.ledger AS l WHERE ${isRow(revision, 'l')}
        AND l.run_id ${EQUALS} ${quoteLiteral(writer.run)}::pg_catalog.uuid)`,
      'removed its row from the ledger',
    ],
  ] as const;
  const raises = checks.map(
    ([condition, what]) =>
      `IF NOT (${condition}) THEN RAISE EXCEPTION USING ERRCODE = '${REVISION_OVERSTEPPED}', MESSAGE = 'the revision ${what}'; END IF;`,
  );
  return `DO ${quoteLiteral(`BEGIN ${raises.join('\n')} END`)}`;
}

/** Inserts the revision's row; the primary key makes a second runner collide (23505, V7). */
function insertRowSql(revision: Revision, writer: Writer, state: LedgerRow['state']): string {
  const values = [
    quoteLiteral(revision.kind),
    quoteLiteral(revision.id),
    quoteLiteral(revision.name),
    quoteTextArray(revision.parents),
    quoteLiteral(revision.up.checksum),
    quoteLiteral(state),
    quoteLiteral(writer.host),
    quoteLiteral(writer.version),
    `${quoteLiteral(writer.run)}::pg_catalog.uuid`,
    quoteNullable(keptText(revision.up)),
    quoteNullable(keptText(revision.down)),
  ];
  return `INSERT INTO orch.ledger AS l (kind, id, name, parents, checksum, state, host, orch_version, run_id, up_text, down_text)
VALUES (${values.join(', ')})`;
}

/**
 * Sets the session's timeouts and inserts the row in state `started`; one that stands there so already keeps its
 * progress and takes the text over, of which only what was not done yet may differ. No row affected: it is applied.
 */
export function startSql(revision: Revision, writer: Writer, settings: TransactionSettings): string {
  const taken = ['id', 'parents', 'checksum', 'host', 'orch_version', 'run_id', 'up_text', 'down_text'];
  return `SET lock_timeout = ${Math.round(settings.lockTimeout)};
SET statement_timeout = ${Math.round(settings.statementTimeout)};
${insertRowSql(revision, writer, 'started')}
ON CONFLICT (kind, name) DO UPDATE SET ${taken.map((column) => `${column} = excluded.${column}`).join(', ')}
WHERE l.state ${EQUALS} 'started'`;
}

export function progressSql(revision: Revision, statementsDone: number): string {
  return `UPDATE orch.ledger AS l SET statements_done = ${Math.round(statementsDone)} WHERE ${isRow(revision, 'l')}`;
}

/** One statement; no row affected: there is no such row. */
export function finishSql(revision: Revision, writer: Writer, duration: number): string {
  const entry = { action: 'apply', outcome: 'succeeded', revision: revision.name, duration } as const;
  return `WITH done AS (
  UPDATE orch.ledger AS l SET state = 'applied', applied_at = pg_catalog.clock_timestamp(), duration_ms = ${Math.round(duration)}
  WHERE ${isRow(revision, 'l')} RETURNING l.name
)
INSERT INTO orch.log (${LOG_COLUMNS}) SELECT ${logValues({ ...entry, sqlstate: undefined, message: undefined }, writer)} FROM done`;
}

export function logSql(entry: LogEntry, writer: Writer): string {
  return `INSERT INTO orch.log (${LOG_COLUMNS}) VALUES (${logValues(entry, writer)})`;
}

const LOG_COLUMNS = 'run_id, action, outcome, revision, duration_ms, host, orch_version, sqlstate, message';

function logValues(entry: LogEntry, writer: Writer): string {
  return [
    `${quoteLiteral(writer.run)}::pg_catalog.uuid`,
    quoteLiteral(entry.action),
    quoteLiteral(entry.outcome),
    quoteNullable(entry.revision),
    String(Math.round(entry.duration)),
    quoteLiteral(writer.host),
    quoteLiteral(writer.version),
    quoteNullable(entry.sqlstate),
    quoteNullable(entry.message?.replaceAll('\0', '').slice(0, KEPT_MESSAGE)),
  ].join(', ');
}

/** A condition that holds for the revision's own row. */
export function isRow(revision: Revision, alias: string): string {
  return `${alias}.kind ${EQUALS} ${quoteLiteral(revision.kind)} AND ${alias}.name ${EQUALS} ${quoteLiteral(revision.name)}`;
}

function keptText(text: RevisionText | undefined): string | undefined {
  if (text === undefined || text.text.includes('\0') || Buffer.byteLength(text.text) > KEPT_TEXT) return undefined;
  return text.text;
}
