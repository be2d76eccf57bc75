import type { Failure, FailureDetails } from '../core/failure.ts';
import { readIndexBuild } from '../core/sql/index-build.ts';
import { type FailurePhrases, foreignLines, quoted, withoutData } from './failure-phrase.ts';
import { sourceLines } from './fault-text.ts';
import { lockHeld } from './lock-failure.ts';
import { againCommand, type PhraseContext, phraseStanding, shellWord, shownPlace, sqlText } from './phrase-context.ts';
import { prerequisiteFailures } from './prerequisite-failures.ts';
import { poolerRefused, serverNotWritable, serverUnreachable } from './server-failure.ts';
import { statementUnclear } from './unclear-failure.ts';
import { formatCount } from './units.ts';

/** Failures of servers, locks, connections and of the SQL that is run. */
type DatabaseCode =
  | 'revision-interrupted'
  | 'statement-unclear'
  | 'lock-held'
  | 'lock-lost'
  | 'server-unreachable'
  | 'server-not-writable'
  | 'pooler-refused'
  | 'connection-lost'
  | 'outcome-unknown'
  | 'prerequisite-unmet'
  | 'sql-failed'
  | 'step-refused'
  | 'revision-code-failed'
  | 'observed-changed';

export const databaseFailures: FailurePhrases<DatabaseCode> = {
  'revision-interrupted': ({ details }, context) => ({
    happened:
      details.direction === 'up'
        ? [
            `${details.service}: the ledger of ${details.database} has ${details.revision} as started, although it runs in a transaction`,
            '  it ended that transaction itself, or it was begun outside one and has been changed since',
          ]
        : [
            `${details.service}: ${details.revision}, which is reverted outside a transaction, stopped half way`,
            `  ${formatCount(details.statementsDone, 'statement')} of its down ${details.statementsDone === 1 ? 'is' : 'are'} done`,
          ],
    state:
      details.direction === 'up'
        ? `a part of what ${details.revision} does may be in ${details.database}; nothing was done now.`
        : `what those statements did stays in ${details.database}; the ledger has ${details.revision} as reverting.`,
    next:
      details.direction === 'up'
        ? [
            `DELETE FROM orch.ledger WHERE name = ${sqlText(details.revision)} AND state = 'started';  -- in ${details.database}, once that part is undone`,
            `${againCommand(context, details.service)}  # applies it from its beginning`,
          ]
        : [
            `orch downgrade --service ${shellWord(details.service)} ${shellWord(`${details.revision}-1`)}  # goes on with statement ${details.statementsDone + 1} of its down`,
          ],
  }),
  'statement-unclear': statementUnclear,
  'lock-held': lockHeld,
  'lock-lost': ({ details }, context) => ({
    happened: [
      `${details.service}: the session that held the lock on ${details.database} was ended from outside`,
      ...(details.reason === undefined ? [] : quoted(foreignLines(details.reason))),
    ],
    state: `the revision that was open is rolled back; ${phraseStanding(details, context)}`,
    next: statusThenAgain(details.service, context),
  }),
  'server-unreachable': serverUnreachable,
  'server-not-writable': serverNotWritable,
  'pooler-refused': poolerRefused,
  'connection-lost': ({ details }, context) => ({
    happened: [
      `${details.service}: the connection to ${details.database} was lost while ${details.during}`,
      ...quoted(foreignLines(details.reason)),
    ],
    state: `what was open is rolled back by the server; ${phraseStanding(details, context)}`,
    next: statusThenAgain(details.service, context),
  }),
  'outcome-unknown': ({ details }) => ({
    happened: [
      `${details.service}: the connection to ${details.database} was lost while ${details.wanted === 'applied' ? '' : 'the downgrade of '}${details.revision} was being committed`,
      ...quoted(foreignLines(details.reason)),
      ...(details.backend === undefined ? [] : [`  its session, pid ${details.backend}, is still at work there`]),
    ],
    state: `${details.revision} is ${details.wanted} whole or not at all; which of the two could not be asked yet.`,
    next: [
      `orch status  # asks the ledger of ${details.database}`,
      ...(details.backend === undefined ? [] : [`orch locks  # shows what that session does`]),
    ],
  }),
  'prerequisite-unmet': ({ details }, context) => prerequisiteFailures[details.what](details, context),
  'sql-failed': sqlFailed,
  'step-refused': ({ details }, context) => ({
    happened: [
      `${details.service}: ${details.database} refused ${details.during}: ${details.message} (${details.sqlstate})`,
      ...hintLines(details.serverHint),
    ],
    state: phraseStanding(details, context),
    next: [`orch plan  # shows what is still to be done and why`, againCommand(context, details.service)],
  }),
  'revision-code-failed': (failure, context) => {
    const { details } = failure;
    const [headline = '', ...more] = foreignLines(details.message);
    return {
      happened: [
        `${details.service}: ${details.revision}${details.direction === 'up' ? '' : ' (down)'} failed: ${headline}`,
        ...quoted(more),
        ...placeLines(failure, context),
        ...sourceLines({ line: failure.at?.line, column: failure.at?.column, source: details.source }, context),
      ],
      state:
        details.partial === true
          ? codeHalfWay(details)
          : details.direction === 'up'
            ? rolledBack(details, context)
            : stillApplied(details),
      next: [againOf(details, context)],
    };
  },
  'observed-changed': ({ details }, context) => ({
    happened: [`${details.service}: somebody else changed its database between the plan and the lock`],
    state: `this run changed nothing in the database of ${details.service}.`,
    next: ['orch plan  # shows what is left to do', againCommand(context, details.service)],
  }),
};

function sqlFailed(failure: Failure<'sql-failed'>, context: PhraseContext) {
  const { details } = failure;
  const [headline = '', ...more] = foreignLines(details.message);
  const way = details.direction === 'up' ? '' : ' (down)';
  const source = { line: failure.at?.line, column: failure.at?.column, source: details.source };
  const statement = details.source === undefined ? details.statement : undefined;
  return {
    happened: [
      `${details.service}: ${details.revision}${way} failed: ${headline} (${details.sqlstate})`,
      ...quoted(more),
      ...placeLines(failure, context),
      ...sourceLines(source, context),
      ...(statement === undefined ? [] : quoted(foreignLines(statement))),
      ...detailLines(details, context),
      ...hintLines(details.serverHint),
      ...whereLines(details.where, context),
    ],
    state: details.partial
      ? failure.at?.file.endsWith('.ts') === true
        ? codeHalfWay(details)
        : halfWay(details)
      : details.direction === 'up'
        ? rolledBack(details, context)
        : stillApplied(details),
    next: [`${againOf(details, context)}${leavesInvalidIndex(details) ? INDEX_AGAIN : ''}`],
  };
}

const INDEX_AGAIN = '  # drops the INVALID index that the failed build left, and builds it again';

/** CREATE INDEX CONCURRENTLY that fails leaves an index that is INVALID (V14), which the next run knows to be its own. */
function leavesInvalidIndex({ sqlstate, partial, statement }: FailureDetails['sql-failed']): boolean {
  // Refused before anything was built: a syntax error, no such table, no right, a transaction.
  if (!partial || statement === undefined || /^(42|25|0A)/.test(sqlstate)) return false;
  return readIndexBuild(statement)?.kind === 'create';
}

/** DETAIL prints the values of the row at fault (V23): shown only when asked for. */
function detailLines(details: FailureDetails['sql-failed'], context: PhraseContext): string[] {
  if (details.detail === undefined) return [];
  if (context.showData) return foreignLines(details.detail).map((line) => `  detail: ${line}`);
  return ['  detail: not shown, it may hold row values; --show-data shows it'];
}

function whereLines(where: string | undefined, { showData }: PhraseContext): string[] {
  if (where === undefined) return [];
  return foreignLines(showData ? where : withoutData(where)).map((line) => `  where: ${line}`);
}

function hintLines(hint: string | undefined): string[] {
  return hint === undefined ? [] : foreignLines(hint).map((line) => `  hint: ${line}`);
}

function placeLines(failure: Failure, context: PhraseContext): string[] {
  return failure.at === undefined ? [] : [`  ${shownPlace(failure.at, context.cwd)}`];
}

function halfWay(details: FailureDetails['sql-failed']): string {
  const done = details.statementsDone;
  const begins = `${details.revision} runs outside a transaction`;
  const stays = `${formatCount(done, 'statement')} before it ${done === 1 ? 'stays' : 'stay'}`;
  if (details.direction === 'down')
    return `${begins}: ${done === 0 ? 'no statement of its down is done' : stays}; the ledger of ${details.database} has it as reverting.`;
  if (done === 0)
    return `${begins}, and no statement of it is done; the next run begins it anew, and its text may be mended.`;
  return `${begins}: ${stays}; the next run goes on with statement ${done + 1}, and the text from there on may be mended.`;
}

function codeHalfWay(details: Pick<FailureDetails['sql-failed'], 'revision' | 'direction' | 'database'>): string {
  const state = details.direction === 'up' ? 'started' : 'reverting';
  return `${details.revision} runs outside a transaction: batches and queries before this one stay, and the next run goes on behind the last batch; the ledger of ${details.database} has it as ${state}.`;
}

function rolledBack(details: { readonly service: string; readonly database: string }, context: PhraseContext): string {
  // It ran in a throwaway database alone.
  if (context.command === 'revision') return 'the throwaway database that it ran in is gone; no file was written.';
  return `rolled back; ${phraseStanding(details, context)}`;
}

/** A down that fails stops there. */
function stillApplied({ database, revision }: { readonly database: string; readonly revision: string }): string {
  return `rolled back: ${database} is in the state before this down; ${revision} is still applied.`;
}

function againOf(
  {
    service,
    revision,
    direction,
  }: { readonly service: string; readonly revision: string; readonly direction: 'up' | 'down' },
  context: PhraseContext,
): string {
  if (direction === 'up') return againCommand(context, service);
  return `orch downgrade --service ${shellWord(service)} ${shellWord(`${revision}-1`)}  # once the down text is mended`;
}

function statusThenAgain(service: string, context: PhraseContext): string[] {
  return ['orch status', againCommand(context, service)];
}
