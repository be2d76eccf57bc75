import { type FailurePhrases, NOTHING_DONE } from './failure-phrase.ts';
import { shellWord, shownPath } from './phrase-context.ts';
import { formatList } from './units.ts';

/** Failures of writing and renaming revision files. */
type AuthoringCode =
  | 'service-ambiguous'
  | 'revision-applied'
  | 'rebase-unchecked'
  | 'file-not-written'
  | 'editor-failed';

export const authoringFailures: FailurePhrases<AuthoringCode> = {
  'service-ambiguous': ({ details }) => ({
    happened: [
      `orch ${details.command} works for one service, and nothing says for which`,
      `  known: ${formatList(details.known)}`,
    ],
    state: NOTHING_DONE,
    next: [
      `orch ${details.command} --service ${shellWord(details.known[0] ?? '<name>')} …  # or change to the folder of the service`,
    ],
  }),
  'revision-applied': ({ details }) => ({
    happened: [
      `${details.service}: what is applied keeps its number and name`,
      ...details.revisions.map(({ name, appliedAt }) => `  ${name} is in ${details.database} since ${appliedAt}`),
    ],
    state: 'no file was renamed.',
    next: [
      `orch downgrade --service ${shellWord(details.service)} ${shellWord(`${details.revisions[0]?.name ?? ''}-1`)}  # takes it back first, if nobody else has it`,
      `orch merge --service ${shellWord(details.service)}  # or: joins two heads and leaves both names`,
    ],
  }),
  'rebase-unchecked': ({ details }) => ({
    happened: [
      `${details.service}: whether ${details.revision} is applied is not known, because ${details.database} could not be asked`,
      `  ${details.reason}`,
    ],
    state: 'no file was renamed.',
    next: [
      `orch rebase --service ${shellWord(details.service)} ${shellWord(details.revision)}  # once the database is there`,
      `orch rebase --service ${shellWord(details.service)} ${shellWord(details.revision)} --unchecked  # if you know that it is applied nowhere`,
    ],
  }),
  'file-not-written': ({ details }, context) => ({
    happened: [`${shownPath(details.file, context.cwd)} could not be written: ${details.reason}`],
    state: 'the revision folder is as it was.',
    next: [`ls -la ${shellWord(shownPath(folderOf(details.file), context.cwd))}  # who may write there?`],
  }),
  'editor-failed': ({ details }, context) => ({
    happened: [`the editor ${JSON.stringify(details.command)} did not end well: ${details.reason}`],
    state: 'the files are written.',
    next: details.files.map((file) => `${details.command} ${shellWord(shownPath(file, context.cwd))}`),
  }),
};

function folderOf(file: string): string {
  return file.replace(/[/\\][^/\\]*$/, '');
}
