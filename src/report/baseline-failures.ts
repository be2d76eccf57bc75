import type { Failure } from '../core/failure.ts';
import { phraseDifference } from './difference-phrases.ts';
import type { FailurePhrase, FailurePhrases } from './failure-phrase.ts';
import { faultLines } from './fault-text.ts';
import { shellWord, sqlName } from './phrase-context.ts';
import { formatCount, formatList } from './units.ts';

/** Failures of taking over a database that has no ledger. */
type BaselineCode = 'database-not-empty' | 'baseline-unmatched' | 'not-at-head' | 'replay-unsafe' | 'throwaway-left';

/** Differences that are listed; JSON has them all. */
const LISTED = 20;

export const baselineFailures: FailurePhrases<BaselineCode> = {
  'database-not-empty': ({ details }) => ({
    happened: [
      `${details.service}: ${details.database} is not empty, and there is no ledger in it that says what was applied`,
      `  ${formatCount(details.count, 'object')}: ${phraseNames(details)}`,
    ],
    state: `nothing was run; ${details.database} is as it was.`,
    next: [
      `orch baseline --service ${shellWord(details.service)}  # finds the revision that it is at`,
      `orch stamp --service ${shellWord(details.service)} base --reason '…'  # or, if they have nothing to do with the revisions: begins at base`,
    ],
  }),
  'baseline-unmatched': baselineUnmatched,
  'not-at-head': ({ details }) => ({
    happened: [
      details.pending.length === 0
        ? `${details.service}: ${details.database} has no ledger, so that nobody knows what in it the revisions left`
        : `${details.service}: ${details.database} is not at the head of its revisions: ${formatList(details.pending)} ${details.pending.length === 1 ? 'is' : 'are'} not applied`,
      '  a revision can be made of what was changed in it by hand only once all of them are',
    ],
    state: `no file was written; ${details.database} is as it was.`,
    next: [
      `orch migrate --service ${shellWord(details.service)}  # then again`,
      details.hasSchema
        ? `orch revision --service ${shellWord(details.service)} --autogenerate --from schema -m '…'  # or: compares with the schema in the files`
        : 'schema: schema.sql  # or, in service.yaml: a file with the schema as it is wanted, to compare with instead',
    ],
  }),
  'replay-unsafe': ({ details }, context) => ({
    happened: [
      `${details.service}: its revisions can't be tried in a throwaway database: ${formatCount(details.faults.length, 'statement')} would change the server that ${details.database} is on`,
      ...details.faults.flatMap((fault) => ['', ...faultLines(fault, context)]),
    ],
    state: `nothing was run; ${details.database} and its server are as they were.`,
    next: [
      context.command === 'revision'
        ? `orch revision --service ${shellWord(details.service)} -m '…'  # writes the files without what is to stand in them`
        : `orch stamp --service ${shellWord(details.service)} '<revision>' --reason '…'  # if you know which revision it is at`,
    ],
  }),
  'throwaway-left': ({ details }, context) => ({
    happened: [
      `${details.service}: the throwaway database ${details.database} could not be dropped`,
      `  ${details.reason}`,
    ],
    state: `${context.command === 'revision' ? 'no file was written' : 'nothing was stamped'}; nobody needs ${details.database}.`,
    next: [`DROP DATABASE IF EXISTS ${sqlName(details.database)} WITH (FORCE);  -- as the admin role`],
  }),
};

function phraseNames({ count, names }: { readonly count: number; readonly names: readonly string[] }): string {
  return count > names.length ? `${names.join(', ')}, …` : formatList(names);
}

function baselineUnmatched({ details }: Failure<'baseline-unmatched'>): FailurePhrase {
  const { service, database, nearest, differences } = details;
  const at = nearest.length === 0 ? 'base' : formatList(nearest);
  const count = formatCount(differences.length, 'difference');
  const more = differences.length - LISTED;
  // Several heads can be named by `heads` alone, which may be further up.
  const target = nearest.length === 0 ? 'base' : nearest.length === 1 ? (nearest[0] ?? '') : '<revision>';
  return {
    happened: [
      `${service}: none of its revisions leaves what is in ${database}; the nearest is ${at}, with ${count}:`,
      ...differences.slice(0, LISTED).map((difference) => `  ${phraseDifference(difference)}`),
      ...(more > 0 ? [`  … and ${more} more (--output json has them all)`] : []),
    ],
    state: `nothing was stamped; ${database} is as it was.`,
    next: [
      `orch baseline --service ${shellWord(service)}  # once ${database}, or a revision, is changed so that they agree`,
      `orch stamp --service ${shellWord(service)} ${shellWord(target)} --reason '…'  # or: if the differences may stay`,
    ],
  };
}
