import type { DivergedHead, Failure } from '../core/failure.ts';
import type { FailurePhrases } from './failure-phrase.ts';
import { type PhraseContext, shellWord, shownPath } from './phrase-context.ts';
import { formatCount, formatList } from './units.ts';
import { verdictLines, verdictNext } from './verdict-phrases.ts';

/** Failures of naming a revision, and of what files and ledger say of the history. */
type HistoryCode =
  | 'revision-not-found'
  | 'revision-ambiguous'
  | 'revision-out-of-range'
  | 'range-invalid'
  | 'heads-diverged'
  | 'history-conflict'
  | 'requirement-unmet'
  | 'requirement-cycle'
  | 'nothing-to-accept'
  | 'database-missing';

export const historyFailures: FailurePhrases<HistoryCode> = {
  'revision-not-found': ({ details }) => ({
    happened: [
      `${details.service} has no revision "${details.target}"`,
      ...(details.nearest.length === 0 ? [] : [`  did you mean ${formatAlternatives(details.nearest)}?`]),
    ],
    state: untouched(details.service),
    next: [`orch history --service ${shellWord(details.service)}  # lists them`],
  }),
  'revision-ambiguous': ({ details }) => ({
    happened: [
      `${details.service}: "${details.target}" may be any of ${formatCount(details.candidates.length, 'revision')}`,
      ...details.candidates.map((name) => `  ${name}`),
    ],
    state: untouched(details.service),
    next: [`${shellWord(details.candidates[0] ?? '')}  # in the place of ${details.target}: a full name`],
  }),
  'revision-out-of-range': ({ details }) => ({
    happened: [
      `${details.service}: "${details.target}" goes too far: ${phraseAvailable(details.available, details.target)} ${details.from}`,
    ],
    state: untouched(details.service),
    next: [`orch history --service ${shellWord(details.service)}  # lists them`],
  }),
  'range-invalid': ({ details }) => ({
    happened: [`${details.service}: ${details.lower} is not below ${details.upper}`],
    state: untouched(details.service),
    next: [`${details.upper}:${details.lower}  # if the ends are the wrong way round`],
  }),
  'heads-diverged': headsDiverged,
  'history-conflict': ({ details }, context) => ({
    happened: [
      `${details.service}: the ledger of ${details.database} and the revision files disagree`,
      ...details.verdicts.flatMap((verdict) => verdictLines(verdict, context)),
    ],
    state: `nothing was applied for ${details.service}; ${details.database} is as it was.`,
    next: [
      ...details.verdicts.flatMap((verdict) => verdictNext(verdict, details.service, context)),
      'orch plan  # then: compares again, changes nothing',
    ],
  }),
  'requirement-unmet': requirementUnmet,
  'requirement-cycle': ({ details }) => ({
    happened: [`${details.service}: revisions wait for each other`, `  ${details.path.join(' → ')}`],
    state: `nothing was done in ${details.database}.`,
    next: ['orch plan  # once one `requires` of that path is taken out: shows the order, changes nothing'],
  }),
  'nothing-to-accept': ({ details }) => ({
    happened: [`${details.service}: there is nothing to accept of ${details.revision}: ${unaccepted[details.why]}`],
    state: untouched(details.service),
    next: [
      details.why === 'out-of-order'
        ? `orch migrate --service ${shellWord(details.service)} --allow-out-of-order`
        : 'orch check  # lists what files and ledgers disagree about',
    ],
  }),
  'database-missing': ({ details }) => ({
    happened: [`${details.service}: there is no database ${details.database}`],
    state: 'nothing was done.',
    next: [`orch migrate --service ${shellWord(details.service)}  # creates it`],
  }),
};

const unaccepted = {
  unchanged: 'its file is what was applied',
  'not-applied': 'it is not applied',
  'out-of-order': 'it is not applied; it came in below an applied one',
} as const;

function untouched(service: string): string {
  return `nothing was done for ${service}.`;
}

function formatAlternatives(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} or ${names.at(-1) ?? ''}`;
}

function phraseAvailable(available: number, target: string): string {
  const where = /-\d+$/.test(target) ? 'at or below' : 'above';
  return `there ${available === 1 ? 'is' : 'are'} ${available === 0 ? 'no revisions' : formatCount(available, 'revision')} ${where}`;
}

function headsDiverged({ details }: Failure<'heads-diverged'>, context: PhraseContext) {
  const service = shellWord(details.service);
  return {
    happened: [
      `${details.service} has ${formatCount(details.heads.length, 'head')}: nothing says which comes first`,
      ...details.heads.map((head) => `  ${head.name}  ${shownPath(head.file, context.cwd)}${phraseOrigin(head)}`),
    ],
    state: untouched(details.service),
    next: [
      `orch merge --service ${service}  # makes a revision that joins them; orch rebase puts one behind the other`,
      `orch migrate --service ${service} heads  # applies both as they are`,
    ],
  };
}

/** `  (Ada Lovelace, 2026-01-31)`. */
function phraseOrigin({ author, created }: DivergedHead): string {
  const known = [author, created].filter((part) => part !== undefined);
  return known.length === 0 ? '' : `  (${known.join(', ')})`;
}

function requirementUnmet({ details }: Failure<'requirement-unmet'>) {
  const [other = ''] = details.requires.split('@');
  const both = `--service ${shellWord(details.service)} --service ${shellWord(other)}`;
  const words = {
    'unknown-service': [`there is no service ${other}`, undefined],
    'unknown-revision': [`${other} has no such revision`, `orch history --service ${shellWord(other)}  # lists them`],
    ambiguous: [`${other} has several: ${formatList(details.candidates)}`, undefined],
    'not-selected': [`it is not applied, and ${other} is not part of this run`, `orch migrate ${both}`],
    'not-in-target': [
      `it is not applied, and not below the target that ${other} is brought to`,
      `orch migrate --service ${shellWord(other)} ${shellWord(details.requires.slice(other.length + 1))}`,
    ],
    'not-observed': [`the database of ${other} could not be looked at`, `orch status --service ${shellWord(other)}`],
  } as const;
  const [why, next] = words[details.why];
  const near =
    details.candidates.length === 0 || details.why === 'ambiguous'
      ? ''
      : `; did you mean ${formatAlternatives(details.candidates)}?`;
  return {
    happened: [`${details.service}: ${details.revision} requires ${details.requires}`, `  ${why}${near}`],
    state: `nothing was done in ${details.database}.`,
    next: [next ?? `orch plan  # once the \`requires\` of ${details.revision} is mended: changes nothing`],
  };
}
