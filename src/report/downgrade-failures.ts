import type { FailurePhrases } from './failure-phrase.ts';
import { type PhraseContext, shellWord, shownPath } from './phrase-context.ts';
import { formatCount, formatList } from './units.ts';

/** Why a downgrade is refused; nothing was run then. */
type DowngradeCode =
  | 'revision-not-applied'
  | 'revision-without-down'
  | 'revision-irreversible'
  | 'down-not-recorded'
  | 'revision-required';

export const downgradeFailures: FailurePhrases<DowngradeCode> = {
  'revision-not-applied': ({ details }) => ({
    happened: [`${details.service}: ${details.revision} is not applied, so ${details.database} cannot go back to it`],
    state: `nothing was run; ${details.database} is at ${details.heads.length === 0 ? 'base' : formatList(details.heads)}.`,
    next: [`orch migrate --service ${shellWord(details.service)} ${shellWord(details.revision)}  # goes up to it`],
  }),
  'revision-without-down': ({ details }) => ({
    happened: [
      `${details.service}: ${formatCount(details.revisions.length, 'revision')} to be reverted ${details.revisions.length === 1 ? 'has' : 'have'} no down`,
      ...details.revisions.map((name) => `  ${name}`),
    ],
    state: notRun(details.database),
    next: [
      `${details.revisions[0] ?? ''}.down.sql  # write it beside the up file; an empty one means that there is nothing to undo`,
    ],
  }),
  'revision-irreversible': ({ details }) => ({
    happened: [
      `${details.service}: ${formatCount(details.revisions.length, 'revision')} to be reverted ${details.revisions.length === 1 ? 'is' : 'are'} marked irreversible`,
      ...details.revisions.map(({ name, reason }) => `  ${name}: ${reason}`),
    ],
    state: notRun(details.database),
    next: [
      `orch downgrade --service ${shellWord(details.service)} ${shellWord(details.revisions[0]?.name ?? '')}  # goes back as far as it can`,
    ],
  }),
  'down-not-recorded': ({ details }, context: PhraseContext) => ({
    happened: [
      `${details.service}: the down text with which ${details.revision} was applied is not there`,
      `  ${shownPath(details.file, context.cwd)} has changed or is gone, and of texts over 1 MB the ledger keeps the checksum alone: ${details.checksum}`,
    ],
    state: notRun(details.database),
    next: [
      `git log -p -- ${shellWord(shownPath(details.file, context.cwd))}  # bring back the text that was applied`,
      `orch accept --service ${shellWord(details.service)} ${shellWord(details.revision)} --reason '…'  # or: takes over the file as it is`,
    ],
  }),
  'revision-required': ({ details }) => ({
    happened: [
      `${details.service}: ${details.revision} cannot be reverted: applied revisions of other services require it`,
      ...details.by.map(({ service, revision }) => `  ${service}@${revision}`),
    ],
    state: notRun(details.database),
    next: [
      `orch downgrade --service ${shellWord(details.by[0]?.service ?? '')} ${shellWord(`${details.by[0]?.revision ?? ''}-1`)}  # first`,
    ],
  }),
};

function notRun(database: string): string {
  return `nothing was run; ${database} is as it was.`;
}
