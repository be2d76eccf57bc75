import type { Revision, SqlText } from '../core/revision.ts';
import { readIndexBuild } from '../core/sql/index-build.ts';
import { type PsqlPart, psqlParts } from '../core/sql/psql-text.ts';
import { recordWayInBlock, recordWayOfPsql } from '../core/sql/record-way.ts';
import { LockLimits } from '../core/sql/strong-lock.ts';
import { LockPace } from './lock-pace.ts';
import type { OfflineWork } from './offline-steps.ts';

/**
 * The statements of a text outside a transaction for psql, as `OutsideStatements` sends them, but for the tries: a script
 * has one, which waits the longest.
 */
export async function* offlineStatements(text: SqlText, revision: Revision, work: OfflineWork): AsyncGenerator<string> {
  const limits = new LockLimits();
  const { lockTimeout } = new LockPace(work.run.project, revision).longest;
  let limited = 0;
  let isBlock = false;
  for (const part of psqlParts(text)) {
    const limit = limits.limit(part.statement, isBlock);
    const wanted = limit === 'none' ? 0 : lockTimeout;
    if (revision.lockTimeout === undefined && limit !== 'unchanged' && wanted !== limited) {
      yield work.sql.lockTimeout(wanted);
      limited = wanted;
    }
    yield* recorded({ part, isBlock, revision, direction: text === revision.up ? 'up' : 'down' }, work);
    isBlock = part.inTransaction;
  }
}

interface OfflineStatement {
  readonly part: PsqlPart;
  /** In a transaction that the text has begun. */
  readonly isBlock: boolean;
  readonly revision: Revision;
  readonly direction: 'up' | 'down';
}

/** One statement with its record, as `StatementRecord` sends it. */
async function* recorded(statement: OfflineStatement, work: OfflineWork): AsyncGenerator<string> {
  const { part, isBlock, revision, direction } = statement;
  const { sql, service, writer } = work;
  const way = isBlock ? recordWayInBlock(part.statement) : recordWayOfPsql(part.statement);
  if (way === 'together') {
    const { begin, record, commit } = sql.recorded(service, revision, part.done);
    yield isBlock ? record : begin;
    yield* part.pieces;
    if (!isBlock) yield record + commit;
    return;
  }
  // In a block it would be part of it: PREPARE TRANSACTION would keep the log's row until COMMIT PREPARED.
  if (way === 'announced' && !isBlock) {
    yield sql.announce(service, { revision, direction, statement: part.done }, writer);
  }
  yield* isBlock ? part.pieces : checked(statement, work);
  if (!part.inTransaction) yield sql.recorded(service, revision, part.done).alone;
}

/** With what an index build needs before and behind it. */
async function* checked({ part, revision, direction }: OfflineStatement, { sql, writer }: OfflineWork) {
  const build = readIndexBuild(part.statement);
  if (build !== undefined) yield sql.beginBuild({ revision, direction, build }, writer);
  yield* part.pieces;
  if (build !== undefined) yield sql.requireIndex(build);
}
