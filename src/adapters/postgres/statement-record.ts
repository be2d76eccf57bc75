import type { Revision } from '../../core/revision.ts';
import type { ScriptPart } from '../../core/sql/script-parts.ts';
import { DatabaseError, type Session } from '../../ports/database.ts';
import type { Announced, Recorded, Writer } from '../../ports/ledger.ts';
import { logSql, progressSql } from './ledger-sql.ts';

/* Statements outside a transaction and what the ledger has of them. As in `ledger-sql.ts`, every name is qualified. */

/** What the server says where a statement may not share a transaction with another: 25001 of itself, 2D000 of its COMMIT. */
const ONLY_ALONE: ReadonlySet<string> = new Set(['25001', '2D000']);
/** `default_transaction_read_only`, which the text may have set. */
const READ_ONLY = '25006';
const NO_NUMBER = '22P02';
/** A text that is no number: `recordSql` found that the row is further already. */
const OVERTAKEN = 'another run has gone on';

/**
 * What follows a statement in its transaction. Deferred constraints come first, so that their triggers run with the role
 * that the text has set; that role, and the session's own, come back when the transaction ends: all of it is LOCAL.
 * Fails where the row is further already: a backend of an earlier run may have committed the same statement since the
 * ledger was read (V6).
 */
export function recordSql(revision: Revision, statementsDone: number): string {
  return `SET CONSTRAINTS ALL IMMEDIATE;
SET LOCAL SESSION AUTHORIZATION DEFAULT;
SET LOCAL lock_timeout = 0;
SET LOCAL statement_timeout = 0;
WITH done AS (
  ${progressSql(revision, statementsDone)} AND l.statements_done OPERATOR(pg_catalog.<) ${statementsDone} RETURNING l.name
)
SELECT (CASE WHEN EXISTS (SELECT FROM done) THEN '1' ELSE '${OVERTAKEN}' END)::pg_catalog.int4`;
}

/** @throws DatabaseError of the statement itself */
export async function runRecorded(
  session: Session,
  statement: Pick<ScriptPart, 'text' | 'rows'>,
  record: string,
): Promise<Recorded> {
  const isBlock = session.transaction !== 'none';
  try {
    await send(session, statement, record);
    return 'recorded';
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.connection) throw error;
    const isOfRecord = isBlock || (error.statementsDone ?? 0) > 0;
    const verdict = isOfRecord ? verdictOfRecord(error) : verdictOfStatement(error);
    if (verdict === undefined) throw isOfRecord ? ofStatement(error) : error;
    if (session.transaction !== 'none') await session.run('ROLLBACK');
    return verdict;
  }
}

/** A message of several statements is one transaction; a COPY is a message of its own. */
async function send(
  session: Session,
  { text, rows }: Pick<ScriptPart, 'text' | 'rows'>,
  record: string,
): Promise<void> {
  if (session.transaction !== 'none') await session.run(`${record};\n${text}`, { rowsOf: 'none' });
  // The statement may end with a comment.
  else if (rows === undefined) await session.run(`${text}\n;\n${record}`, { rowsOf: 'none' });
  else {
    await session.run('BEGIN');
    await session.copyIn(text, rows);
    await session.run(`${record};\nCOMMIT`, { rowsOf: 'none' });
  }
}

function verdictOfStatement({ sqlstate }: DatabaseError): 'refused' | undefined {
  return ONLY_ALONE.has(sqlstate) ? 'refused' : undefined;
}

function verdictOfRecord({ sqlstate, message }: DatabaseError): 'overtaken' | 'read-only' | undefined {
  if (sqlstate === READ_ONLY) return 'read-only';
  return sqlstate === NO_NUMBER && message.includes(OVERTAKEN) ? 'overtaken' : undefined;
}

/** Deferred constraints are checked there, for the statement: no place in the record is one in the file. */
function ofStatement(error: DatabaseError): DatabaseError {
  const { sqlstate, detail, serverHint, where, connection } = error;
  const said = { sqlstate, detail, serverHint, where, connection, statementsDone: 0 };
  return new DatabaseError(error.message, { ...said, cause: error });
}

/** For the log; `withdrawn`: the announced statement has failed. */
export function announceSql(
  { revision, direction, statement }: Announced,
  outcome: 'announced' | 'withdrawn',
  writer: Writer,
): string {
  const action = direction === 'up' ? 'apply' : 'revert';
  const entry = { action, outcome, revision: revision.name, duration: 0, sqlstate: undefined } as const;
  return logSql({ ...entry, message: String(statement) }, writer);
}

/** The statement that was announced last for the revision of that name, and of which nothing was heard since. */
export function announcedSql(name: string): string {
  return `(SELECT CASE WHEN g.outcome OPERATOR(pg_catalog.=) 'announced' THEN g.message::pg_catalog.int4 END
    FROM orch.log AS g WHERE g.revision OPERATOR(pg_catalog.=) ${name}
      AND g.outcome OPERATOR(pg_catalog.=) ANY (ARRAY['announced', 'withdrawn', 'succeeded'])
    ORDER BY g.sequence DESC LIMIT 1)`;
}
