import type { Verdict } from '../core/failure.ts';
import { findService, type PhraseContext, shellWord, shownPath } from './phrase-context.ts';
import { formatCount } from './units.ts';

type VerdictKind = Verdict['kind'];
type VerdictOf<K extends VerdictKind> = Extract<Verdict, { kind: K }>;

const verdicts: { readonly [K in VerdictKind]: (verdict: VerdictOf<K>, context: PhraseContext) => string[] } = {
  changed: (verdict, context) => [
    verdict.statementsDone === undefined
      ? `  ${verdict.revision} was changed after it was applied: ${shownPath(verdict.file, context.cwd)}`
      : `  ${verdict.revision} stopped half way, and what is done of it (${formatCount(verdict.statementsDone, 'statement')}) was changed since: ${shownPath(verdict.file, context.cwd)}`,
    `    ${verdict.statementsDone === undefined ? 'applied' : 'begun'} as ${verdict.recorded}`,
    `    the file is ${verdict.found}`,
  ],
  missing: (verdict) => [`  ${verdict.revision} is applied (since ${verdict.appliedAt}), but its file is gone`],
  'out-of-order': (verdict, context) => [
    `  ${verdict.revision} is not applied, but ${verdict.head}, which comes after it, is: ${shownPath(verdict.file, context.cwd)}`,
  ],
};

/** What is wrong, in words. */
export function verdictLines(verdict: Verdict, context: PhraseContext): string[] {
  return (verdicts[verdict.kind] as (v: Verdict, c: PhraseContext) => string[])(verdict, context);
}

/** The ways out of it: bring back what was applied, or take over what is there now. */
export function verdictNext(verdict: Verdict, service: string, context: PhraseContext): string[] {
  const of = `--service ${shellWord(service)}`;
  const name = shellWord(verdict.revision);
  if (verdict.kind === 'out-of-order') {
    return [
      `orch migrate ${of} --allow-out-of-order  # applies ${verdict.revision} now, below ${verdict.head}; the ledger says so`,
      `orch rebase ${of} ${name}  # or: gives it a number behind the head`,
    ];
  }
  const accept = `orch accept ${of} ${name} --reason '…'  # or:`;
  if (verdict.kind === 'changed') {
    const file = shellWord(shownPath(verdict.file, context.cwd));
    if (verdict.statementsDone !== undefined) {
      return [
        `orch show ${of} ${name} --recorded  # the text that was begun: put its done statements back into ${file}; those behind them may be mended`,
      ];
    }
    return [
      `orch show ${of} ${name} --recorded  # the text that was applied: put it back into ${file}, the change into a new revision`,
      `${accept} the ledger takes over the file as it is; nothing is run`,
    ];
  }
  const folder = findService(context, service)?.revisions;
  const where = folder === undefined ? 'the revision folder' : shownPath(folder, context.cwd);
  return [
    `orch show ${of} ${name} --recorded  # the text that was applied: put it back into ${where}`,
    `${accept} the ledger notes that the file is gone`,
  ];
}
