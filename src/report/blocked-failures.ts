import type { Failure } from '../core/failure.ts';
import { type FailurePhrases, foreignLines, quoted } from './failure-phrase.ts';
import { sourceLines } from './fault-text.ts';
import { blockerLines } from './holder-phrase.ts';
import { againCommand, type PhraseContext, phraseStanding, shellWord, shownPlace } from './phrase-context.ts';
import { formatCount, formatDuration } from './units.ts';

/** Failures of revisions that could not have a lock, and of indexes that are not what they should be. */
type BlockedCode = 'revision-blocked' | 'index-invalid';

export const blockedFailures: FailurePhrases<BlockedCode> = {
  'revision-blocked': (failure, context) => ({
    happened: happenedOf(failure, context),
    state: stateOf(failure, context),
    next: [...endBlockers(failure), ...again(failure, context)],
  }),
  'index-invalid': (failure, context) => {
    const { details } = failure;
    const what = {
      invalid: `the index ${details.index} on ${details.table} is there and INVALID, and this revision did not leave it`,
      left: `its statement left the index ${details.index} of ${details.table} INVALID, and the server said that all is well`,
      'other-table': `what is called ${details.index} is no index of ${details.table}`,
    }[details.why];
    return {
      happened: [
        `${details.service}: ${details.revision}${way(details)} is not done: ${what}`,
        ...placeLines(failure, context),
        ...(details.why === 'left'
          ? []
          : ['  IF NOT EXISTS would pass over it, and the server would say that all is well']),
      ],
      state: `statements before it stay; the ledger of ${details.database} has ${details.revision} as ${details.direction === 'up' ? 'started' : 'reverting'}.`,
      next: [
        details.why !== 'other-table'
          ? `DROP INDEX CONCURRENTLY ${details.index};  -- in ${details.database}, unless another session is building it: orch locks`
          : `ALTER … RENAME, or another name in the file  # ${details.index} is taken in ${details.database}`,
        ...again(failure, context),
      ],
    };
  },
};

function happenedOf(failure: Failure<'revision-blocked'>, context: PhraseContext): string[] {
  const { details } = failure;
  const [headline = ''] = foreignLines(details.message);
  const tries = `${formatCount(details.tries, 'try', 'tries')} in ${formatDuration(details.waited)}`;
  const limit = details.lockTimeout === 0 ? '' : `, the last one waited ${formatDuration(details.lockTimeout)}`;
  const statement = details.source === undefined ? details.statement : undefined;
  return [
    `${details.service}: ${details.revision}${way(details)} could not have its lock: ${headline} (${details.sqlstate}), ${tries}${limit}`,
    ...placeLines(failure, context),
    ...sourceLines({ line: failure.at?.line, column: failure.at?.column, source: details.source }, context),
    ...(statement === undefined ? [] : quoted(foreignLines(statement))),
    ...(details.blockers.length === 0 ? ['  who was in the way could not be seen'] : ['  in the way:']),
    ...details.blockers.flatMap(blockerLines),
  ];
}

function stateOf({ details }: Failure<'revision-blocked'>, context: PhraseContext): string {
  if (details.partial) {
    const done = formatCount(details.statementsDone, 'statement');
    return `${details.revision} runs outside a transaction: ${done} of it ${details.statementsDone === 1 ? 'is' : 'are'} done, and the next run goes on behind.`;
  }
  if (details.direction === 'down') return `rolled back; ${details.revision} is still applied.`;
  return `rolled back; ${phraseStanding(details, context)}`;
}

/** A blocker without a process is a prepared transaction. */
function endBlockers({ details }: Failure<'revision-blocked'>): string[] {
  return details.blockers.map(({ pid }) =>
    pid === 0
      ? `SELECT gid, prepared, owner FROM pg_prepared_xacts;  -- in ${details.database}: COMMIT PREPARED or ROLLBACK PREPARED ends it`
      : `orch locks --service ${shellWord(details.service)} --terminate ${pid}  # ends that session, only if it may be ended; --cancel ends its statement`,
  );
}

function again({ details }: Failure<BlockedCode>, context: PhraseContext): string[] {
  const { service, revision, direction } = details;
  if (direction === 'up') return [`${againCommand(context, service)}  # tries again`];
  return [`orch downgrade --service ${shellWord(service)} ${shellWord(`${revision}-1`)}  # tries again`];
}

function way({ direction }: { readonly direction: 'up' | 'down' }): string {
  return direction === 'up' ? '' : ' (down)';
}

function placeLines(failure: Failure, context: PhraseContext): string[] {
  return failure.at === undefined ? [] : [`  ${shownPlace(failure.at, context.cwd)}`];
}
