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
