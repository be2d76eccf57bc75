import type { Finding } from '../core/findings.ts';
import { phraseFailure } from './failure-phrases.ts';
import { faultLines } from './fault-text.ts';
import { type PhraseContext, shellWord, shownPath } from './phrase-context.ts';
import { formatCount, formatList } from './units.ts';
import { verdictLines, verdictNext } from './verdict-phrases.ts';

/** A finding in words: what is wrong, the first line without an indent; and what to type next. */
export interface FindingPhrase {
  readonly happened: readonly string[];
  readonly next: readonly string[];
}

type FindingKind = Finding['kind'];
type FindingOf<K extends FindingKind> = Extract<Finding, { kind: K }>;
type Words<K extends FindingKind> = (finding: FindingOf<K>, service: string, context: PhraseContext) => FindingPhrase;

const words: { readonly [K in FindingKind]: Words<K> } = {
  changed: phraseVerdict,
  missing: phraseVerdict,
  'out-of-order': phraseVerdict,
  'down-changed': phraseChangedDown,
  interrupted: ({ revision, direction, statementsDone }, service) => ({
    happened: [`${revision} stopped half way ${direction}, after ${formatCount(statementsDone, 'statement')}`],
    next: [`orch ${direction === 'up' ? 'migrate' : 'plan'} --service ${shellWord(service)}  # says how it goes on`],
  }),
  behind: (finding, service) => ({
    happened: [`${behindWords[finding.why]}: ${phrasePending(finding)}`],
    next: [`orch migrate --service ${shellWord(service)}`],
  }),
  gap: ({ first, last, below, above }) => ({
    happened: [
      `${first === last ? `the number ${first} is` : `the numbers ${first} to ${last} are`} missing between ${below} and ${above}`,
    ],
    next: ['git log --diff-filter=D --name-only  # if a file was lost or not committed'],
  }),
  diverged: ({ heads }, service, context) => ({
    happened: [
      `there are ${formatCount(heads.length, 'head')}, and nothing says which comes first`,
      ...heads.map(({ name, file, author, created }) => {
        const origin = [author, created].filter((part) => part !== undefined).join(', ');
        return `  ${name}  ${shownPath(file, context.cwd)}${origin === '' ? '' : `  (${origin})`}`;
      }),
    ],
    next: [
      `orch merge --service ${shellWord(service)}  # writes the revision that joins them`,
      `orch rebase --service ${shellWord(service)} ${shellWord(heads.at(-1)?.name ?? '')}  # or: puts an unapplied one behind the others`,
    ],
  }),
  invalid: ({ fault }, _service, context) => ({ happened: faultLines(fault, context), next: [] }),
  refused: ({ failure }, _service, context) => {
    const { happened, next } = phraseFailure(failure, context);
    return { happened, next };
  },
};

/** What is wrong and what to do about it. */
export function phraseFinding(finding: Finding, service: string, context: PhraseContext): FindingPhrase {
  return (words[finding.kind] as Words<FindingKind>)(finding, service, context);
}

function phraseVerdict(
  verdict: FindingOf<'changed' | 'missing' | 'out-of-order'>,
  service: string,
  context: PhraseContext,
): FindingPhrase {
  return {
    happened: verdictLines(verdict, context).map((line) => line.replace(/^ {2}/, '')),
    next: verdictNext(verdict, service, context),
  };
}

function phraseChangedDown(
  { revision, file, recorded, found }: FindingOf<'down-changed'>,
  service: string,
  context: PhraseContext,
): FindingPhrase {
  const what =
    recorded === undefined
      ? 'got a down after it was applied'
      : `had its down ${found === undefined ? 'removed' : 'changed'} after it was applied`;
  const of = `--service ${shellWord(service)} ${shellWord(revision)}`;
  const shown =
    recorded === undefined ? [] : [`orch show ${of} --recorded --down  # the text that downgrade would run`];
  return {
    happened: [`${revision} ${what}: ${shownPath(file, context.cwd)}`],
    next: [...shown, `orch accept ${of} --reason '…'  # the ledger takes over the file as it is; nothing is run`],
  };
}

const behindWords = {
  pending: 'it is not at its head',
  'no-ledger': 'the database has no ledger',
  'no-database': 'there is no such database',
} as const;

const named = 3;

function phrasePending({ pending, seeds }: FindingOf<'behind'>): string {
  const parts = [
    ...(pending.length === 0 ? [] : [`${formatCount(pending.length, 'revision')} pending (${phraseNames(pending)})`]),
    ...(seeds.length === 0 ? [] : [`${formatCount(seeds.length, 'seed')} pending (${phraseNames(seeds)})`]),
  ];
  return parts.length === 0 ? 'nothing is pending' : formatList(parts);
}

function phraseNames(names: readonly string[]): string {
  return `${names.slice(0, named).join(', ')}${names.length > named ? ', …' : ''}`;
}
