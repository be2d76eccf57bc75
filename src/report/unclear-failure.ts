import type { FailurePhrases } from './failure-phrase.ts';
import { shellWord, shownPlace } from './phrase-context.ts';

/** A statement outside a transaction of which only who looks at the database can tell whether it was done. */
export const statementUnclear: FailurePhrases<'statement-unclear'>['statement-unclear'] = (failure, context) => {
  const { service, database, revision, direction, statement } = failure.details;
  const text = direction === 'up' ? revision : `the down of ${revision}`;
  const command =
    direction === 'up'
      ? `orch migrate --service ${shellWord(service)}`
      : `orch downgrade --service ${shellWord(service)} ${shellWord(`${revision}-1`)}`;
  return {
    happened: [
      `${service}: nobody knows whether statement ${statement} of ${text} was done: the run ended before it heard`,
      ...(failure.at === undefined ? [] : [`  ${shownPlace(failure.at, context.cwd)}`]),
      '  PostgreSQL runs such a statement in no transaction, so that its record could not go with it',
    ],
    state: `what comes before it stays in ${database}, and the ledger has ${revision} as ${direction === 'up' ? 'started' : 'reverting'}; nothing was done now.`,
    next: [
      `${command} --unclear done   # once you have seen in ${database} that it was done: goes on behind it`,
      `${command} --unclear again  # else: runs it once more`,
    ],
  };
};
