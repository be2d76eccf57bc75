import type { LedgerRow } from '../../core/observed.ts';
import type { Revision, RevisionText } from '../../core/revision.ts';
import type { Notice } from '../../ports/database.ts';
import type { LogEntry, TransactionSettings, Writer } from '../../ports/ledger.ts';
import { quoteLiteral, quoteNullable, quoteTextArray } from './quoting.ts';
import { TAKE_TRANSACTION_LOCK } from './transaction-lock.ts';

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

export const IDENTITY_COLUMNS = `pg_catalog.pg_current_xact_id()::pg_catalog.text AS transaction,
  current_user::pg_catalog.text AS role, session_user::pg_catalog.text AS login`;

/** How many statements `beginSql` has; the last one gives the `TransactionIdentity`. */
export const BEGIN_STATEMENTS = 5;

/** Opens the transaction, takes its lock, sets its timeouts and inserts the row; gives the `TransactionIdentity`. */
export function beginSql(revision: Revision, writer: Writer, settings: TransactionSettings): string {
  return `BEGIN;
${TAKE_TRANSACTION_LOCK};
SET LOCAL lock_timeout = ${Math.round(settings.lockTimeout)};
SET LOCAL statement_timeout = ${Math.round(settings.statementTimeout)};
${insertRowSql(revision, writer, 'started')} RETURNING ${IDENTITY_COLUMNS}`;
}

/** Checks, marks the row applied, logs and commits: a failed check rolls all of it back (OR001). */
export function commitSql(
  revision: Revision,
  writer: Writer,
  duration: number,
  begun: TransactionIdentity,
  notices: readonly Notice[] = [],
): string {
  return `${PREPARE_COMMIT}
${checkedFinishSql(revision, writer, duration, begun)};
${noticesSql(revision.name, writer, notices)}COMMIT`;
}

/** What a text may have left that would keep the ledger from being written: timeouts, and another role (V11). */
export const PREPARE_COMMIT = `SET LOCAL lock_timeout = 0;
SET LOCAL statement_timeout = 0;
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;`;

/** In ms; as SQL where only the server can tell it, as in a script. */
export type Duration = number | { readonly sql: string };
type TimedEntry = Omit<LogEntry, 'duration' | 'message'> & {
  readonly duration: Duration;
  readonly message: LogEntry['message'] | { readonly sql: string };
};

function durationSql(duration: Duration): string {
  return typeof duration === 'number' ? String(Math.round(duration)) : duration.sql;
}

/** SQLSTATE of a revision that ended its own transaction, changed its role, or removed its row. */
export const REVISION_OVERSTEPPED = 'OR001';

/** `finishSql` with the checks in it: the number that goes into the log is none where one of them fails. */
function checkedFinishSql(revision: Revision, writer: Writer, duration: number, begun: TransactionIdentity): string {
  const checked = checkedNumberSql(
    begun,
    [['EXISTS (SELECT FROM done)', 'removed its row from the ledger']],
    String(Math.round(duration)),
  );
  const entry = { action: 'apply', outcome: 'succeeded', revision: revision.name, duration: { sql: checked } } as const;
  return `WITH done AS (
  UPDATE orch.ledger AS l SET state = 'applied', applied_at = pg_catalog.clock_timestamp(), duration_ms = ${Math.round(duration)}
  WHERE ${isRow(revision, 'l')} AND l.run_id ${EQUALS} ${quoteLiteral(writer.run)}::pg_catalog.uuid RETURNING l.name
)
INSERT INTO orch.log (${LOG_COLUMNS}) SELECT ${logValues({ ...entry, sqlstate: undefined, message: undefined }, writer)}`;
}

/**
 * Fails unless the transaction, the role and the session are those of the beginning, and what else is asked holds.
 * With 22P02, which the adapter translates to OR001: a DO block with RAISE takes longer than all else that the ledger does.
 */
export function identityCheckSql(
  begun: TransactionIdentity,
  more: readonly (readonly [condition: string, what: string])[],
): string {
  return `SELECT ${checkedNumberSql(begun, more, '1')}`;
}

function checkedNumberSql(
  begun: TransactionIdentity,
  more: readonly (readonly [condition: string, what: string])[],
  number: string,
): string {
  const checks = [
    [
      `pg_catalog.pg_current_xact_id()::pg_catalog.text ${EQUALS} ${quoteLiteral(begun.transaction)}`,
      'ended its own transaction',
    ],
    [`current_user::pg_catalog.text ${EQUALS} ${quoteLiteral(begun.role)}`, 'left another role set'],
    [`session_user::pg_catalog.text ${EQUALS} ${quoteLiteral(begun.login)}`, 'left another session authorization set'],
    ...more,
  ] as const;
  const cases = checks.map(([condition, what]) => `WHEN NOT (${condition}) THEN '${OVERSTEPPED} ${what}'`);
  return `(CASE ${cases.join('\n')} ELSE '${number}' END)::pg_catalog.int8`;
}

/** What a failed check says in the message of its error: a text that is no number. */
export const OVERSTEPPED = 'the revision';

/** Inserts the revision's row; the primary key makes a second runner collide (23505, V7). */
export function insertRowSql(revision: Revision, writer: Writer, state: LedgerRow['state']): string {
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
    quoteLiteral(fileName(revision.up)),
    quoteNullable(revision.down === undefined ? undefined : fileName(revision.down)),
    quoteNullable(revision.down?.checksum),
    quoteTextArray(requirementsOf(revision)),
    `${quoteLiteral(JSON.stringify(revision.values ?? {}))}::pg_catalog.jsonb`,
  ];
  return `INSERT INTO orch.ledger AS l (kind, id, name, parents, checksum, state, host, orch_version, run_id,
  up_text, down_text, up_file, down_file, down_checksum, requires, variables)
VALUES (${values.join(', ')})`;
}

/**
 * Sets the session's timeouts and inserts the row in state `started`; one that stands there so already keeps its
 * progress and takes the text over, of which only what was not done yet may differ. No row affected: it is applied.
 */
export function startSql(revision: Revision, writer: Writer): string {
  const taken = ['id', 'parents', 'checksum', 'host', 'orch_version', 'run_id', 'up_text', 'down_text'];
  return `${insertRowSql(revision, writer, 'started')}
ON CONFLICT (kind, name) DO UPDATE SET ${taken.map((column) => `${column} = excluded.${column}`).join(', ')}
WHERE l.state ${EQUALS} 'started'`;
}

export function progressSql(revision: Revision, statementsDone: number): string {
  return `UPDATE orch.ledger AS l SET statements_done = ${Math.round(statementsDone)} WHERE ${isRow(revision, 'l')}`;
}

/** One statement; no row affected: there is no such row. */
export function finishSql(revision: Revision, writer: Writer, duration: Duration): string {
  const entry = { action: 'apply', outcome: 'succeeded', revision: revision.name, duration } as const;
  return `WITH done AS (
  UPDATE orch.ledger AS l SET state = 'applied', applied_at = pg_catalog.clock_timestamp(), duration_ms = ${durationSql(duration)}
  WHERE ${isRow(revision, 'l')} RETURNING l.name
)
INSERT INTO orch.log (${LOG_COLUMNS}) SELECT ${logValues({ ...entry, sqlstate: undefined, message: undefined }, writer)} FROM done`;
}

export function logSql(entry: TimedEntry, writer: Writer): string {
  return `INSERT INTO orch.log (${LOG_COLUMNS}) VALUES (${logValues(entry, writer)})`;
}

/** As `logSql`, where a condition holds. */
export function logWhereSql(entry: TimedEntry, writer: Writer, condition: string): string {
  return `INSERT INTO orch.log (${LOG_COLUMNS}) SELECT ${logValues(entry, writer)} WHERE ${condition}`;
}

/** A row of the log for each notice, ended by `;`; empty where there is none. */
export function noticesSql(revision: string, writer: Writer, notices: readonly Notice[]): string {
  if (notices.length === 0) return '';
  const rows = notices.map(({ severity, message }) => {
    const entry = { action: 'notice', outcome: 'said', revision, duration: 0, sqlstate: undefined } as const;
    return `(${logValues({ ...entry, message: `${severity}: ${message}` }, writer)})`;
  });
  return `INSERT INTO orch.log (${LOG_COLUMNS}) VALUES ${rows.join(',\n')};\n`;
}

const LOG_COLUMNS = 'run_id, action, outcome, revision, duration_ms, host, orch_version, sqlstate, message';

function logValues(entry: TimedEntry, writer: Writer): string {
  return [
    `${quoteLiteral(writer.run)}::pg_catalog.uuid`,
    quoteLiteral(entry.action),
    quoteLiteral(entry.outcome),
    quoteNullable(entry.revision),
    durationSql(entry.duration),
    quoteLiteral(writer.host),
    quoteLiteral(writer.version),
    quoteNullable(entry.sqlstate),
    typeof entry.message === 'object' ? entry.message.sql : quoteNullable(keptMessage(entry.message, writer)),
  ].join(', ');
}

/** Cleaned before it is cut: of a secret that reaches over the cut, only a part would be found. */
function keptMessage(message: string | undefined, { clean = (text) => text }: Writer): string | undefined {
  return message === undefined ? undefined : clean(message).replaceAll('\0', '').slice(0, KEPT_MESSAGE);
}

/** A condition that holds for the revision's own row. */
export function isRow(revision: Revision, alias: string): string {
  return `${alias}.kind ${EQUALS} ${quoteLiteral(revision.kind)} AND ${alias}.name ${EQUALS} ${quoteLiteral(revision.name)}`;
}

/** `api-auth@002`, as the file says it. */
export function requirementsOf(revision: Revision): readonly string[] {
  return revision.requires.map((required) => `${required.service}@${required.revision}`);
}

/** Without its folder: what a restored file is called. */
export function fileName({ file }: RevisionText): string {
  return file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}

/** The text as it is kept, with its variables' names; undefined: there is none, or it is too long. */
export function keptText(text: RevisionText | undefined): string | undefined {
  // A long text would have to be read for it.
  if (text === undefined || (text.language === 'sql' && text.length > KEPT_TEXT)) return undefined;
  const written = (text.language === 'sql' ? text.written : undefined) ?? text.text;
  return written.includes('\0') || Buffer.byteLength(written) > KEPT_TEXT ? undefined : written;
}
