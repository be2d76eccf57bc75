import type { Link } from '../../core/plan.ts';
import type { Revision } from '../../core/revision.ts';
import type { Notice } from '../../ports/database.ts';
import type { AcceptChange, LogEntry, StampChange, TransactionSettings, Writer } from '../../ports/ledger.ts';
import {
  fileName,
  IDENTITY_COLUMNS,
  identityCheckSql,
  insertRowSql,
  isRow,
  keptText,
  logSql,
  noticesSql,
  PREPARE_COMMIT,
  requirementsOf,
  type TransactionIdentity,
} from './ledger-sql.ts';
import { quoteLiteral, quoteNullable, quoteTextArray } from './quoting.ts';
import { TAKE_TRANSACTION_LOCK } from './transaction-lock.ts';

/*
 * Statements that take rows out of the ledger or change them. As in `ledger-sql.ts`, every name is qualified, operators too.
 */

const EQUALS = 'OPERATOR(pg_catalog.=)';

/**
 * Opens the transaction of a down text, takes its lock, sets its timeouts and takes the row out; gives the `TransactionIdentity`.
 * The row goes first: a second runner waits for this transaction there, and then finds none.
 */
export function beginRevertSql(revision: Revision, settings: TransactionSettings): string {
  return `BEGIN;
${TAKE_TRANSACTION_LOCK};
SET LOCAL lock_timeout = ${Math.round(settings.lockTimeout)};
SET LOCAL statement_timeout = ${Math.round(settings.statementTimeout)};
DELETE FROM orch.ledger AS l WHERE ${isRow(revision, 'l')} AND l.state ${EQUALS} 'applied' RETURNING ${IDENTITY_COLUMNS}`;
}

/** Checks, logs and commits: a failed check rolls all of it back (OR001). */
export function commitRevertSql(
  revision: Revision,
  writer: Writer,
  duration: number,
  begun: TransactionIdentity,
  notices: readonly Notice[] = [],
): string {
  const gone = `NOT EXISTS (SELECT FROM orch.ledger AS l WHERE ${isRow(revision, 'l')})`;
  return `${PREPARE_COMMIT}
${identityCheckSql(begun, [[gone, 'put its row back into the ledger']])};
${logSql(entryOf('revert', revision.name, duration), writer)};
${noticesSql(revision.name, writer, notices)}COMMIT`;
}

/** Marks the row as being reverted; keeps the count of one that is so already. */
export function startRevertSql(revision: Revision): string {
  return `UPDATE orch.ledger AS l SET state = 'reverting',
  statements_done = CASE WHEN l.state ${EQUALS} 'reverting' THEN l.statements_done ELSE 0 END
WHERE ${isRow(revision, 'l')} AND l.state ${EQUALS} ANY (ARRAY['applied', 'reverting'])`;
}

/** One statement; no row affected: there is no such row. */
export function finishRevertSql(
  revision: Revision,
  writer: Writer,
  duration: number,
  notices: readonly Notice[] = [],
): string {
  return `BEGIN;
${noticesSql(revision.name, writer, notices)}${logSql(entryOf('revert', revision.name, duration), writer)};
DELETE FROM orch.ledger AS l WHERE ${isRow(revision, 'l')} AND l.state ${EQUALS} 'reverting' RETURNING l.name`;
}

/** Takes rows out and puts others in, as one transaction; a row that is to be written anew goes out first. */
export function stampSql({ add, remove, reason }: StampChange, writer: Writer): string {
  const note = reason === undefined ? 'stamped' : `stamped: ${writer.clean?.(reason) ?? reason}`;
  const out = remove.map(
    (
      name,
    ) => `DELETE FROM orch.ledger AS l WHERE l.kind ${EQUALS} 'revision' AND l.name ${EQUALS} ${quoteLiteral(name)};
${logSql(entryOf('unstamp', name, 0, reason), writer)};`,
  );
  const into = add.map(
    (revision) => `${insertRowSql(revision, writer, 'applied')};
${setNoteSql(revision.name, note)};
${logSql(entryOf('stamp', revision.name, 0, reason), writer)};`,
  );
  // At base there is no row to say it.
  const base = add.length + remove.length === 0 ? [`${logSql(entryOf('stamp', undefined, 0, reason), writer)};`] : [];
  return `BEGIN;\n${TAKE_TRANSACTION_LOCK};\n${[...out, ...into, ...base].join('\n')}\nCOMMIT`;
}

/** Takes over what the file says now, or that it is gone; gives a row where there was one to change. */
export function acceptSql({ name, revision, reason }: AcceptChange, writer: Writer): string {
  const note = quoteLiteral(`accepted: ${writer.clean?.(reason) ?? reason}`);
  const values = revision === undefined ? ['file_gone = true'] : ['file_gone = false', ...takenOver(revision)];
  return `BEGIN;
${TAKE_TRANSACTION_LOCK};
${logSql(entryOf('accept', name, 0, reason), writer)};
UPDATE orch.ledger AS l SET ${[...values, `note = ${note}`].join(', ')}
WHERE l.kind ${EQUALS} 'revision' AND l.name ${EQUALS} ${quoteLiteral(name)} RETURNING l.name`;
}

function takenOver(revision: Revision): readonly string[] {
  const { up, down, parents } = revision;
  return [
    `parents = ${quoteTextArray(parents)}`,
    `checksum = ${quoteLiteral(up.checksum)}`,
    `up_text = ${quoteNullable(keptText(up))}`,
    `up_file = ${quoteLiteral(fileName(up))}`,
    `down_text = ${quoteNullable(keptText(down))}`,
    `down_file = ${quoteNullable(down === undefined ? undefined : fileName(down))}`,
    `down_checksum = ${quoteNullable(down?.checksum)}`,
    `requires = ${quoteTextArray(requirementsOf(revision))}`,
    `variables = ${quoteLiteral(JSON.stringify(revision.values ?? {}))}::pg_catalog.jsonb`,
  ];
}

/** New parents of applied revisions, and a note on those that came in below them. */
export function relinkSql(links: readonly Link[], writer: Writer): string {
  const changes = links.flatMap(({ revision, parents, late }) => [
    `UPDATE orch.ledger AS l SET parents = ${quoteTextArray(parents)}
WHERE l.kind ${EQUALS} 'revision' AND l.name ${EQUALS} ${quoteLiteral(revision)}`,
    logSql(entryOf('relink', revision, 0, `its parents are ${parents.join(', ') || 'none'}`), writer),
    ...late.map((name) => setNoteSql(name, `applied out of order, below ${revision}`)),
  ]);
  return ['BEGIN', TAKE_TRANSACTION_LOCK, ...changes, 'COMMIT'].join(';\n');
}

function setNoteSql(name: string, note: string): string {
  return `UPDATE orch.ledger AS l SET note = ${quoteLiteral(note)}
WHERE l.kind ${EQUALS} 'revision' AND l.name ${EQUALS} ${quoteLiteral(name)}`;
}

function entryOf(
  action: LogEntry['action'],
  revision: string | undefined,
  duration: number,
  message?: string,
): LogEntry {
  return { action, outcome: 'succeeded', revision, duration, sqlstate: undefined, message };
}
