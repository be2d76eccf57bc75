import type { Revision } from '../../core/revision.ts';
import type { CursorName, CursorPosition, TransactionSettings } from '../../ports/ledger.ts';
import { quoteLiteral, quoteNullable } from './quoting.ts';
import { TAKE_TRANSACTION_LOCK } from './transaction-lock.ts';

/* Statements of `orch.cursor`: how far a batched revision outside a transaction has come. */

const EQUALS = 'OPERATOR(pg_catalog.=)';

/** Makes the row where it is missing; it goes with the revision's row of the ledger. */
export function openCursorSql(revision: Revision, { direction, name }: CursorName): string {
  const values = [revision.kind, revision.name, direction, name].map(quoteLiteral).join(', ');
  return `INSERT INTO orch.cursor (kind, revision, direction, name) VALUES (${values}) ON CONFLICT DO NOTHING`;
}

/** Gives the row as it is now. */
export function readCursorSql(revision: Revision, cursor: CursorName): string {
  return `SELECT c.position, c.rows_done::pg_catalog.float8 AS rows_done, c.finished FROM orch.cursor AS c WHERE ${isCursor(revision, cursor)}`;
}

/** Opens a batch's transaction, takes its lock and locks the row; gives it last. */
export function beginBatchSql(revision: Revision, cursor: CursorName, settings: TransactionSettings): string {
  return `BEGIN;
${TAKE_TRANSACTION_LOCK};
${readCursorSql(revision, cursor)} FOR UPDATE;
SET LOCAL lock_timeout = ${Math.round(settings.lockTimeout)};
SET LOCAL statement_timeout = ${Math.round(settings.statementTimeout)}`;
}

/** Index of the statement in `beginBatchSql` that gives the row. */
export const BATCH_ROW = 2;

export function moveCursorSql(revision: Revision, cursor: CursorName, at: CursorPosition): string {
  return `UPDATE orch.cursor AS c SET position = ${quoteNullable(at.key)}, rows_done = ${Math.round(at.rows)}, finished = ${at.finished},
  at = pg_catalog.clock_timestamp() WHERE ${isCursor(revision, cursor)}`;
}

/** One that is applied has no more use for its cursors. */
export function dropCursorsSql(revision: Revision): string {
  return `DELETE FROM orch.cursor AS c WHERE c.kind ${EQUALS} ${quoteLiteral(revision.kind)} AND c.revision ${EQUALS} ${quoteLiteral(revision.name)}`;
}

function isCursor(revision: Revision, { direction, name }: CursorName): string {
  return `c.kind ${EQUALS} ${quoteLiteral(revision.kind)} AND c.revision ${EQUALS} ${quoteLiteral(revision.name)}
  AND c.direction ${EQUALS} ${quoteLiteral(direction)} AND c.name ${EQUALS} ${quoteLiteral(name)}`;
}
