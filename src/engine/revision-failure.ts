import { Failure, type FailurePlace } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { RevisionText, SqlText } from '../core/revision.ts';
import { placeOf } from '../core/sql/position.ts';
import { StatementReader } from '../core/sql/script.ts';
import type { ScriptPart } from '../core/sql/script-parts.ts';
import type { DatabaseError } from '../ports/database.ts';
import { RevisionCodeError } from '../ports/revision-store.ts';
import { databaseErrorOf, ScriptError } from './run-script.ts';

/** How far a revision had come. */
export interface Reached {
  /** True: what was done before the fault stays. */
  readonly partial: boolean;
  /** Statements done, where they are counted. */
  readonly done: number;
}

/** What a revision's own text or code threw, as a failure with its place in the file. A `Failure` stays as it is. */
export function revisionFailure(service: Service, step: TextStep, thrown: unknown, reached: Reached): unknown {
  const code = thrown instanceof RevisionCodeError ? thrown : undefined;
  const error = code === undefined ? thrown : code.cause;
  if (error instanceof Failure) return error;
  const place = { service: service.name, database: service.database };
  const { revision } = step;
  const direction = step.kind === 'apply-revision' ? 'up' : 'down';
  const said = databaseErrorOf(error);
  if (said?.connection === true) {
    const during = `${direction === 'up' ? 'applying' : 'reverting'} ${revision.name}`;
    return new Failure('connection-lost', { ...place, during, reason: said.message }, { cause: said });
  }
  const part = error instanceof ScriptError ? error.part : undefined;
  if (said !== undefined) return sqlFailure(service, step, said, { ...reached, part, code });
  const message = error instanceof Error ? error.message : String(error);
  const partial = reached.partial ? { partial: true } : {};
  return new Failure(
    'revision-code-failed',
    { ...place, revision: revision.name, direction, message, source: code?.source, ...partial },
    { cause: error, at: codePlace(step, code) },
  );
}

function codePlace(step: TextStep, code: RevisionCodeError | undefined): FailurePlace {
  return { file: textOf(step).file, line: code?.line, column: code?.column };
}

/** A step that runs a text of a revision. */
type TextStep = StepOf<'apply-revision' | 'revert-revision'>;

/** The text that the step runs; a seed that is only forgotten has none, and then the up text names the file. */
function textOf(step: TextStep): RevisionText {
  return step.kind === 'apply-revision' ? step.revision.up : (step.revision.down ?? step.revision.up);
}

function sqlFailure(
  service: Service,
  step: TextStep,
  error: DatabaseError,
  {
    part,
    code,
    ...reached
  }: Reached & { readonly part: ScriptPart | undefined; readonly code: RevisionCodeError | undefined },
): Failure<'sql-failed'> {
  const text = textOf(step);
  const found = text.language === 'sql' && part !== undefined ? findPlace(text, error, part) : undefined;
  return new Failure(
    'sql-failed',
    {
      service: service.name,
      database: service.database,
      revision: step.revision.name,
      direction: step.kind === 'apply-revision' ? 'up' : 'down',
      sqlstate: error.sqlstate,
      message: error.message,
      detail: error.detail,
      serverHint: error.serverHint ?? ownHints.get(error.sqlstate),
      where: error.where,
      statement: found?.statement,
      source: found?.source ?? code?.source,
      partial: reached.partial,
      statementsDone: reached.done,
    },
    { cause: error, at: found?.at ?? codePlace(step, code) },
  );
}

interface FoundPlace {
  readonly at: FailurePlace;
  readonly source: string | undefined;
  readonly statement: string | undefined;
}

/** What the server's own words leave out: 2D000 is what COMMIT in a procedure gives where a transaction is open around it. */
const ownHints: ReadonlyMap<string, string> = new Map([
  [
    '2D000',
    'a procedure that commits runs outside a transaction: write `-- orch: transaction none` at the head of the file',
  ],
]);

/** The server counts characters of the message that it got, and only of what it could not parse; else it is the statement that counts. */
function findPlace(text: SqlText, error: DatabaseError, part: ScriptPart): FoundPlace | undefined {
  const { file } = text;
  if (error.position !== undefined) {
    const { line, column, source } = placeOf(text.text, part.start + offsetOfCharacter(part.text, error.position));
    return { at: { file, line, column }, source, statement: undefined };
  }
  const found =
    part.rows === undefined ? statementAfter(part.text, error.statementsDone) : { start: 0, end: part.text.length };
  if (found === undefined) return undefined;
  const { line, column } = placeOf(text.text, part.start + found.start);
  const statement = shorten(part.text.slice(found.start, found.end));
  return {
    at: { file, line: line + dataLine(error, part, found.start), column: isData(error, part) ? undefined : column },
    source: undefined,
    statement,
  };
}

/** The place in `text` of the statement after so many; undefined: it is not known. */
function statementAfter(
  text: string,
  done: number | undefined,
): { readonly start: number; readonly end: number } | undefined {
  if (done === undefined) return undefined;
  const reader = new StatementReader(text);
  for (let left = done; reader.next(); left -= 1) if (left === 0) return { start: reader.start, end: reader.end };
  return undefined;
}

const COPY_LINE = /^COPY [^\n]*, line (\d+)/;

function isData(error: DatabaseError, part: ScriptPart): boolean {
  return part.rows !== undefined && COPY_LINE.test(error.where ?? '');
}

/** How many lines below the beginning of a COPY the line of data is that the server speaks of. */
function dataLine(error: DatabaseError, part: ScriptPart, from: number): number {
  if (!isData(error, part)) return 0;
  const lines = part.text.slice(from).split('\n').length - 1;
  return lines + Number(COPY_LINE.exec(error.where ?? '')?.[1]);
}

/** In characters. */
const LONGEST_STATEMENT = 2_000;

function shorten(statement: string): string {
  return statement.length > LONGEST_STATEMENT ? `${statement.slice(0, LONGEST_STATEMENT)} …` : statement;
}

/** PostgreSQL counts code points from 1; JavaScript counts UTF-16 units from 0. */
function offsetOfCharacter(text: string, position: number): number {
  let offset = 0;
  for (let character = 1; character < position && offset < text.length; character += 1) {
    offset += (text.codePointAt(offset) ?? 0) > 0xff_ff ? 2 : 1;
  }
  return offset;
}
