import { Failure, type FailurePlace } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { Revision, SqlText, Statement } from '../core/revision.ts';
import { placeOf } from '../core/sql/position.ts';
import { readStatements } from '../core/sql/script.ts';
import { DatabaseError } from '../ports/database.ts';
import { RevisionCodeError } from '../ports/revision-store.ts';

/** How far a revision had come. */
export interface Reached {
  /** True: what was done before the fault stays. */
  readonly partial: boolean;
  /** Statements done, where they are counted. */
  readonly done: number;
  /** True: the revision's own text or code failed; false: what orch did around it, such as the commit. */
  readonly own: boolean;
  /** The statement that failed, where the text is sent a statement at a time. */
  readonly statement?: Statement;
}

/** What a revision's own text or code threw, as a failure with its place in the file. A `Failure` stays as it is. */
export function revisionFailure(
  service: Service,
  step: StepOf<'apply-revision'>,
  thrown: unknown,
  reached: Reached,
): unknown {
  const code = thrown instanceof RevisionCodeError ? thrown : undefined;
  const error = code === undefined ? thrown : code.cause;
  if (error instanceof Failure) return error;
  const place = { service: service.name, database: service.database };
  const { revision } = step;
  if (error instanceof DatabaseError && error.connection) {
    const during = `applying ${revision.name}`;
    return new Failure('connection-lost', { ...place, during, reason: error.message }, { cause: error });
  }
  if (error instanceof DatabaseError) return sqlFailure(service, revision, error, reached, code);
  const message = error instanceof Error ? error.message : String(error);
  const details = { ...place, revision: revision.name, message, source: code?.source };
  return new Failure('revision-code-failed', details, { cause: error, at: codePlace(revision, code) });
}

function codePlace(revision: Revision, code: RevisionCodeError | undefined): FailurePlace {
  return { file: revision.up.file, line: code?.line, column: code?.column };
}

function sqlFailure(
  service: Service,
  revision: Revision,
  error: DatabaseError,
  reached: Reached,
  code: RevisionCodeError | undefined,
): Failure<'sql-failed'> {
  const found =
    revision.up.language === 'sql' && reached.own ? findPlace(revision.up, error, reached.statement) : undefined;
  return new Failure(
    'sql-failed',
    {
      service: service.name,
      database: service.database,
      revision: revision.name,
      direction: 'up',
      sqlstate: error.sqlstate,
      message: error.message,
      detail: error.detail,
      serverHint: error.serverHint,
      where: error.where,
      statement: found?.statement,
      source: found?.source ?? code?.source,
      partial: reached.partial,
      statementsDone: reached.done,
    },
    { cause: error, at: found?.at ?? codePlace(revision, code) },
  );
}

interface FoundPlace {
  readonly at: FailurePlace;
  readonly source: string | undefined;
  readonly statement: string | undefined;
}

/** The server counts characters of the query that it got: of the statement, or of the whole text. */
function findPlace(text: SqlText, error: DatabaseError, statement: Statement | undefined): FoundPlace | undefined {
  const { file } = text;
  const sent = statement === undefined ? text.text : text.text.slice(statement.start, statement.end);
  if (error.position !== undefined) {
    const offset = (statement?.start ?? 0) + offsetOfCharacter(sent, error.position);
    const { line, column, source } = placeOf(text.text, offset);
    return { at: { file, line, column }, source, statement: undefined };
  }
  if (statement === undefined) return findCounted(text, error.statementsDone);
  return { at: { file, line: statement.line, column: statement.column }, source: undefined, statement: sent };
}

/** Errors while a statement works (a duplicate key, a division by zero) have no position: the statement itself is the place. */
function findCounted({ file, text }: SqlText, statementsDone: number | undefined): FoundPlace | undefined {
  const statement = statementsDone === undefined ? undefined : readStatements(text)[statementsDone];
  if (statement === undefined) return undefined;
  const { line, column, source } = placeOf(text, statement.start);
  return { at: { file, line, column }, source, statement: undefined };
}

/** PostgreSQL counts code points from 1; JavaScript counts UTF-16 units from 0. */
function offsetOfCharacter(text: string, position: number): number {
  let offset = 0;
  for (let character = 1; character < position && offset < text.length; character += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xff_ff ? 2 : 1;
  }
  return offset;
}
