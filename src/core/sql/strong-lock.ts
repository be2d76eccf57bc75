import { classifyStatement } from './classify.ts';
import { Lexer } from './lexer.ts';

/** First words of statements that change what there is. */
const DEFINING: ReadonlySet<string> = new Set([
  'alter',
  'cluster',
  'comment',
  'create',
  'drop',
  'grant',
  'import',
  'reassign',
  'refresh',
  'reindex',
  'revoke',
  'security',
  'truncate',
]);

/**
 * True for DDL whose wait for a lock keeps the application waiting behind it (V13), and which is undone whole where it
 * fails, so that it can be sent again. False for what waits without harm, such as CREATE INDEX CONCURRENTLY and VACUUM,
 * for rows, and for CALL and DO, which may have committed a part of their work.
 */
export function needsStrongLock(statement: string): boolean {
  const lexer = new Lexer(statement);
  if (lexer.next() !== 'word' || !DEFINING.has(lexer.value().toLowerCase())) return false;
  return classifyStatement(statement, 0, statement.length).class === 'plain';
}

/** How long a statement outside a transaction may wait for its locks: as the first one of its kind, or `unchanged`. */
export type LockLimit = 'strong' | 'transaction' | 'none' | 'unchanged';

/** Tells for each statement of a text, in their order, what its `lock_timeout` is to be. */
export class LockLimits {
  /** False: the text sets its own. */
  #isOurs = true;

  /** @param inTransaction a transaction that the text began itself is open */
  limit(statement: string, inTransaction: boolean): LockLimit {
    if (/\block_timeout\b/i.test(statement)) this.#isOurs = false;
    if (inTransaction || !this.#isOurs) return 'unchanged';
    if (needsStrongLock(statement)) return 'strong';
    const { name } = classifyStatement(statement, 0, statement.length);
    return name === 'BEGIN' || name === 'START TRANSACTION' ? 'transaction' : 'none';
  }
}
