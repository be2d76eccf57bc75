import type { ObservedDatabase } from '../../core/observed.ts';
import type { Service } from '../../core/project.ts';
import type { Revision } from '../../core/revision.ts';
import { DatabaseError, type Session } from '../../ports/database.ts';
import type { Ledger, LogEntry, TransactionSettings, Writer } from '../../ports/ledger.ts';
import { observeDatabase } from './ledger-observation.ts';
import { ledgerSchemaSql } from './ledger-schema.ts';
import {
  beginSql,
  commitStatements,
  finishSql,
  isRow,
  logSql,
  progressSql,
  startSql,
  type TransactionIdentity,
} from './ledger-sql.ts';

/** The ledger in schema `orch`; speaks SQL only through `Session`, so it serves PGlite as well. */
export class PostgresLedger implements Ledger {
  readonly #begun = new WeakMap<Session, TransactionIdentity>();

  async observe(session: Session, service: Service): Promise<ObservedDatabase> {
    return await observeDatabase(session, service);
  }

  async create(session: Session, _service: Service, writer: Writer): Promise<void> {
    const entry = { action: 'create-ledger', outcome: 'succeeded', duration: 0 } as const;
    const logged = logSql({ ...entry, revision: undefined, sqlstate: undefined, message: undefined }, writer);
    await session.run(`${ledgerSchemaSql()}${logged}`);
  }

  async begin(session: Session, revision: Revision, writer: Writer, settings: TransactionSettings): Promise<void> {
    const { rows } = await session.run(beginSql(revision, writer, settings));
    // `run` cannot know the columns; `beginSql` ends with the statement that returns exactly these.
    this.#begun.set(session, rows[0] as unknown as TransactionIdentity);
  }

  async commit(session: Session, revision: Revision, writer: Writer, duration: number): Promise<boolean> {
    const begun = this.#begun.get(session);
    if (begun === undefined) throw new TypeError('commit without begin');
    this.#begun.delete(session);
    const statements = commitStatements(revision, writer, duration, begun);
    try {
      const { command } = await session.run(statements.join(';\n'));
      // COMMIT of a transaction that has failed answers ROLLBACK, without an error (V12).
      return command === 'COMMIT';
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.connection) throw error;
      // COMMIT itself, such as on a deferred constraint, ends the transaction also where it fails.
      if (error.statementsDone !== statements.length - 1) await session.run('ROLLBACK');
      // 25P02: an error before, which a TypeScript revision caught and went on from.
      if (error.sqlstate === '25P02') return false;
      throw error;
    }
  }

  async start(session: Session, revision: Revision, writer: Writer, settings: TransactionSettings): Promise<void> {
    const { rowCount } = await session.run(startSql(revision, writer, settings));
    if (rowCount === 1) return;
    throw new DatabaseError(`${revision.name} stands as applied in the ledger`, {
      sqlstate: '23505',
      connection: false,
    });
  }

  async progress(session: Session, revision: Revision, statementsDone: number): Promise<void> {
    requireRow(revision, await session.run(progressSql(revision, statementsDone)));
  }

  async finish(session: Session, revision: Revision, writer: Writer, duration: number): Promise<void> {
    const timeouts = 'RESET lock_timeout; RESET statement_timeout;';
    requireRow(revision, await session.run(`${timeouts} ${finishSql(revision, writer, duration)}`));
  }

  async log(session: Session, entry: LogEntry, writer: Writer): Promise<void> {
    await session.run(logSql(entry, writer));
  }

  async reset(session: Session): Promise<void> {
    await session.run(RESET);
  }

  async isApplied(session: Session, revision: Revision): Promise<boolean> {
    const { rowCount } = await session.query(
      `SELECT FROM orch.ledger AS l WHERE ${isRow(revision, 'l')} AND l.state OPERATOR(pg_catalog.=) 'applied'`,
    );
    return rowCount === 1;
  }
}

/**
 * DISCARD ALL in its parts, because as a whole it goes in no message with another statement (25001). RESET ALL leaves
 * role and session authorization as they are (V11); both go back to what the session was started with.
 */
const RESET = `CLOSE ALL;
SET SESSION AUTHORIZATION DEFAULT;
RESET ROLE;
RESET ALL;
DEALLOCATE ALL;
UNLISTEN *;
SELECT pg_catalog.pg_advisory_unlock_all();
DISCARD PLANS;
DISCARD SEQUENCES;
DISCARD TEMPORARY`;

function requireRow(revision: Revision, result: { readonly rowCount: number }): void {
  if (result.rowCount === 1) return;
  throw new DatabaseError(`the row of ${revision.name} is gone from the ledger`, {
    sqlstate: 'P0002',
    connection: false,
  });
}
