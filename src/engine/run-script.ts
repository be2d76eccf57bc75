import { Failure } from '../core/failure.ts';
import type { SqlText } from '../core/revision.ts';
import { type ScriptPart, scriptParts } from '../core/sql/script-parts.ts';
import { DatabaseError, type QueryResult, type Session } from '../ports/database.ts';

/** A script's part that the server refused, with what it said. */
export class ScriptError extends Error {
  override readonly cause: DatabaseError;
  readonly part: ScriptPart;

  constructor(part: ScriptPart, cause: DatabaseError) {
    super(cause.message, { cause });
    this.name = 'ScriptError';
    this.cause = cause;
    this.part = part;
  }
}

/** The server's own error in what was thrown; undefined: it threw none. */
export function databaseErrorOf(error: unknown): DatabaseError | undefined {
  if (error instanceof DatabaseError) return error;
  return error instanceof Error && error.cause instanceof DatabaseError && !(error instanceof Failure)
    ? error.cause
    : undefined;
}

/** Messages on their way at a time: while the server works on one, the next is there already. */
const AHEAD = 2;

/**
 * Runs a text in one transaction: in few messages, each sent before the one before has answered. That is safe only once
 * the transaction is open: what follows a failed message is then refused (25P02) until the rollback.
 * @param options.begin sends the first message together with what opens the transaction, or opens it alone where the text
 * begins with a COPY; nothing else is sent before it has answered. Absent: the transaction is open. Not called where the
 * text has no statement.
 * @param options.check called before each message that follows the first; what it throws ends the run
 * @throws ScriptError; what `begin`, `check` or the source of the text throws
 */
export async function runScript(
  session: Session,
  text: SqlText,
  options: { readonly begin?: (message?: string) => Promise<void>; readonly check?: () => void } = {},
): Promise<void> {
  const flight = new Flight();
  let { begin } = options;
  for (const part of scriptParts(text)) {
    if (begin === undefined) await flight.check(options.check);
    // The rows of a COPY come from where the next part comes from.
    if (part.rows !== undefined) await flight.land();
    if (begin !== undefined && part.rows !== undefined) await begin();
    const isFirst = begin !== undefined && part.rows === undefined;
    flight.add(part, isFirst ? begin?.(part.text) : sendPart(session, part));
    begin = undefined;
    await flight.land(isFirst || part.rows !== undefined ? 0 : AHEAD - 1);
  }
  await flight.land();
}

/** Sends one part. @throws DatabaseError */
export function sendPart(session: Session, { text, rows }: ScriptPart): Promise<QueryResult> {
  return rows === undefined ? session.run(text, { rowsOf: 'none' }) : session.copyIn(text, rows);
}

/** The messages that have not answered yet, oldest first. */
class Flight {
  readonly #sent: { readonly part: ScriptPart; readonly end: Promise<unknown> }[] = [];

  add(part: ScriptPart, answer: Promise<unknown> | undefined): void {
    const end = Promise.resolve(answer).then(
      () => undefined,
      (error: unknown) => (error instanceof DatabaseError ? new ScriptError(part, error) : error),
    );
    this.#sent.push({ part, end });
  }

  /** What is under way is awaited where the check throws: nothing may answer behind the end of the run. */
  async check(check: (() => void) | undefined): Promise<void> {
    try {
      check?.();
    } catch (error) {
      await Promise.all(this.#sent.splice(0).map(({ end }) => end));
      throw error;
    }
  }

  /** Awaits the oldest until so many are left. @throws the first error, once all have answered */
  async land(left = 0): Promise<void> {
    while (this.#sent.length > left) {
      const error = await this.#sent.shift()?.end;
      if (error === undefined) continue;
      // Later ones were refused because of this one.
      await Promise.all(this.#sent.splice(0).map(({ end }) => end));
      throw error;
    }
  }
}
