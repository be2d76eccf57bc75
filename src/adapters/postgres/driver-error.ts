import pg from 'pg';
import { DatabaseError } from '../../ports/database.ts';
import { MessageError } from './message.ts';

/** Errors that end the session, as far as their class does not tell: shutdown, crash, start-up, and timeouts that cut. */
const SESSION_ENDING: ReadonlySet<string> = new Set(['57P01', '57P02', '57P03', '57P04', '57P05', '25P03', '25P04']);

/** `pg` gives neither a class nor a code to these. */
const DRIVER_LOST = /^(Connection terminated|Client has encountered a connection error|Client was closed)/;

/**
 * Translates what `pg`, the network or TLS threw.
 * @param phase `opening`: every error there means that no session could be had
 * @param statementsDone of the message that failed
 * @returns the error itself where it comes from neither: a bug, such as a parameter that cannot be serialised
 */
export function translateError(error: unknown, phase: 'opening' | 'open'): unknown {
  if (error instanceof DatabaseError) return error;
  if (error instanceof MessageError && error.cause instanceof pg.DatabaseError) {
    return fromServer(error.cause, phase, error.statementsDone);
  }
  if (error instanceof MessageError) return translateError(error.cause, phase);
  if (error instanceof pg.DatabaseError) return fromServer(error, phase, undefined);
  if (!(error instanceof Error)) return error;
  if (phase === 'open' && !isOfNetwork(error)) return error;
  return new DatabaseError(messageOf(error), { sqlstate: sqlstateOf(error, phase), connection: true, cause: error });
}

function fromServer(
  error: pg.DatabaseError,
  phase: 'opening' | 'open',
  statementsDone: number | undefined,
): DatabaseError {
  const sqlstate = error.code ?? 'XX000';
  const ends =
    SESSION_ENDING.has(sqlstate) || sqlstate.startsWith('08') || /^(FATAL|PANIC)$/.test(error.severity ?? '');
  return new DatabaseError(error.message, {
    sqlstate,
    detail: error.detail,
    serverHint: error.hint,
    where: error.where,
    position: error.position === undefined ? undefined : Number(error.position),
    statementsDone,
    connection: ends || phase === 'opening',
    cause: error,
  });
}

function isOfNetwork(error: Error): boolean {
  return 'syscall' in error || DRIVER_LOST.test(error.message) || codeOf(error).startsWith('ERR_SSL');
}

/** 08001: no connection; 08006: it broke; 28P01: the driver had no usable password for what the server asked. */
function sqlstateOf(error: Error, phase: 'opening' | 'open'): string {
  if (/^SASL:|password must be a string/i.test(error.message)) return '28P01';
  return phase === 'opening' && !DRIVER_LOST.test(error.message) ? '08001' : '08006';
}

/** What an error of the network or the driver says. Node tries every address of a name, and then throws an AggregateError without any text. */
export function messageOf(error: Error): string {
  if (error instanceof AggregateError && error.message === '') {
    return [
      ...new Set(error.errors.map((each: unknown) => (each instanceof Error ? each.message : String(each)))),
    ].join(', ');
  }
  if (/password must be a string/.test(error.message)) return 'the server asks for a password, and none is configured';
  return error.message;
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : '';
}
