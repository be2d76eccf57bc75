import { classifyStatement } from './classify.ts';
import { Lexer } from './lexer.ts';

/**
 * How the record of a statement outside a transaction comes to the ledger, so that a run that is killed in between
 * neither leaves the statement out nor does it twice.
 * - `together`: in the statement's own transaction.
 * - `behind`: after it; done twice, it does what it does once.
 * - `announced`: that it begins is recorded before, since it can neither share a transaction nor be done twice.
 */
export type RecordWay = 'together' | 'behind' | 'announced';

/** Of those that PostgreSQL refuses in a transaction: index builds are looked up in the catalog before they are done again. */
const REPEATABLE: ReadonlySet<string> = new Set([
  'VACUUM',
  'DISCARD ALL',
  'CLUSTER',
  'ALTER SYSTEM',
  'ALTER DATABASE … SET TABLESPACE',
  'ALTER SUBSCRIPTION … REFRESH PUBLICATION',
  'CREATE INDEX CONCURRENTLY',
  'DROP INDEX CONCURRENTLY',
  'REINDEX CONCURRENTLY',
  'REINDEX SCHEMA',
  'REINDEX DATABASE',
  'REINDEX SYSTEM',
  // They begin a transaction, of which nothing is kept where it is not committed, or end it without keeping anything.
  'BEGIN',
  'START TRANSACTION',
  'ROLLBACK',
  'ABORT',
]);

/** Tells how one statement of a text outside a transaction is recorded. */
export function recordWay(statement: string): RecordWay {
  const { class: kind, name } = classifyStatement(statement, 0, statement.length);
  if (kind === 'plain') return plainWay(statement);
  if (REPEATABLE.has(name)) return 'behind';
  return endsBlock(statement) ? 'together' : 'announced';
}

/** As `recordWay`, for psql, which cannot find out that what a text calls ends transactions (2D000) and send it alone then. */
export function recordWayOfPsql(statement: string): RecordWay {
  const [first] = wordsOf(statement, 1);
  const mayCommit = first === 'call' || (first === 'do' && /\bcall\b/i.test(statement));
  return mayCommit ? 'announced' : recordWay(statement);
}

/**
 * As `recordWay`, in a transaction that the text has begun: what it did is kept with its COMMIT, and undefined is what is
 * recorded with that.
 */
export function recordWayInBlock(statement: string): RecordWay | undefined {
  const { name } = classifyStatement(statement, 0, statement.length);
  if (endsBlock(statement)) return 'together';
  // In its own transaction the ledger's row would be locked until COMMIT PREPARED.
  if (name === 'PREPARE TRANSACTION') return 'announced';
  return name === 'ROLLBACK' || name === 'ABORT' ? 'behind' : undefined;
}

/** COMMIT or END: what the text did since its BEGIN is kept with it. */
export function endsBlock(statement: string): boolean {
  const { name } = classifyStatement(statement, 0, statement.length);
  return name === 'COMMIT' || name === 'END';
}

/** COMMIT AND CHAIN: the next transaction begins at once. */
export function chains(statement: string): boolean {
  const words = wordsOf(statement);
  const and = words.indexOf('and');
  return endsBlock(statement) && and > 0 && words[and + 1] === 'chain';
}

/** SET of the session: what follows may need it, and the session that had it is gone. */
export function setsSession(statement: string): boolean {
  const [first, second = ''] = wordsOf(statement, 2);
  return first === 'set' && !/^(?:local|transaction|constraints)$/.test(second);
}

function plainWay(statement: string): RecordWay {
  const [first] = wordsOf(statement, 1);
  // What it sets for the session would be set for the record's statements too.
  if (setsSession(statement) || first === 'reset') return 'behind';
  // Its body may end transactions, which PostgreSQL allows only where it is alone (2D000).
  return first === 'do' && /\b(?:commit|rollback)\b/i.test(statement) ? 'announced' : 'together';
}

function wordsOf(statement: string, count = 8): readonly string[] {
  const lexer = new Lexer(statement);
  const words: string[] = [];
  while (words.length < count && lexer.next() === 'word') words.push(lexer.value().toLowerCase());
  return words;
}
