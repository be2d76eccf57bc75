import type { Verdict } from '../core/failure.ts';
import type { Fault } from '../core/fault.ts';
import { type FailurePhrases, NOTHING_DONE } from './failure-phrase.ts';
import { faultLines } from './fault-text.ts';
import { findService, type PhraseContext, shellWord, shownPath } from './phrase-context.ts';
import { formatCount, formatList } from './units.ts';

/** Failures of what people write: the command line, the config, the revision files and their history. */
type InputCode =
  | 'usage-invalid'
  | 'config-not-found'
  | 'config-invalid'
  | 'service-unknown'
  | 'reset-unknown'
  | 'reset-refused'
  | 'approval-missing'
  | 'revision-invalid'
  | 'revision-not-found'
  | 'heads-diverged'
  | 'history-conflict'
  | 'ledger-too-new';

export const inputFailures: FailurePhrases<InputCode> = {
  'usage-invalid': ({ details }) => ({
    happened: [details.message],
    state: NOTHING_DONE,
    next: ['orch --help'],
  }),
  'config-not-found': ({ details }, context) => ({
    happened: configNotFound(details.searched.map((path) => shownPath(path, context.cwd))),
    state: NOTHING_DONE,
    next: ["orch status --config <path/to/orchestrator.config.yaml>  # or change to the project's folder first"],
  }),
  'config-invalid': ({ details }, context) => ({
    happened: [`${formatCount(details.faults.length, 'fault')} in the config`, ...shownFaults(details.faults, context)],
    state: NOTHING_DONE,
    next: [`orch plan  # once ${placesToMend(details.faults)} mended: reads the config again, changes nothing`],
  }),
  'service-unknown': ({ details }) => ({
    happened: [
      `no service is named ${quote(details.name)}${nearest(details.nearest)}`,
      `  known: ${known(details.known)}`,
    ],
    state: NOTHING_DONE,
    next: ['orch status  # lists the services'],
  }),
  'reset-unknown': ({ details }) => ({
    happened: [
      `no database and no service is named ${quote(details.name)}${nearest(details.nearest)}`,
      `  known: ${known(details.known)}`,
    ],
    state: NOTHING_DONE,
    next: [`orch reset ${shellWord(details.nearest ?? '<name>')}`],
  }),
  'reset-refused': ({ details }, context) => ({
    happened: [
      `${context.command === 'down' ? 'deleting the data' : 'reset'} of ${details.database} is refused: the environment is ${details.environment}, not development`,
    ],
    state: NOTHING_DONE,
    next: [
      `environment: development  # in ${configName(context)}, if nothing in ${details.database} is worth keeping; no flag overrides it`,
    ],
  }),
  'approval-missing': ({ details }) => ({
    happened: [`the loss of ${details.what} was not approved: the answer was no, or there is no terminal to ask on`],
    state: NOTHING_DONE,
    next: [`orch reset ${shellWord(details.what)} --yes  # approves without asking`],
  }),
  'revision-invalid': ({ details }, context) => ({
    happened: [
      `${details.service}: ${formatCount(details.faults.length, 'fault')} in its revision files`,
      ...shownFaults(details.faults, context),
    ],
    state: appliedSoFar(details.service, context),
    next: [`orch plan  # once ${placesToMend(details.faults)} mended: reads the files again, changes nothing`],
  }),
  'revision-not-found': ({ details }) => ({
    happened: [
      details.several === undefined
        ? `${details.service} has no revision ${quote(details.target)}${nearest(details.nearest)}`
        : `${quote(details.target)} may be several revisions of ${details.service}: ${formatList(details.several)}`,
    ],
    state: `nothing was applied for ${details.service}.`,
    next: [`orch migrate --service ${shellWord(details.service)} ${shellWord(details.nearest ?? 'head')}`],
  }),
  'heads-diverged': ({ details }, context) => {
    const last = details.heads.at(-1);
    const others = details.heads.slice(0, -1).map((head) => head.name);
    return {
      happened: [
        `${details.service} has ${formatCount(details.heads.length, 'head')}: nothing says which comes first`,
        ...details.heads.map((head) => `  ${head.name}  ${shownPath(head.file, context.cwd)}`),
      ],
      state: `nothing was applied for ${details.service}.`,
      next: [
        `${last?.file.endsWith('.ts') === true ? '//' : '--'} orch: parents ${others.join(' ')}  # as the first line of ${shownPath(last?.file ?? '', context.cwd)}`,
        'orch plan  # then: shows the order, changes nothing',
      ],
    };
  },
  'history-conflict': ({ details }, context) => ({
    happened: [
      `${details.service}: the ledger of ${details.database} and the revision files disagree`,
      ...details.verdicts.flatMap((verdict) => verdictLines(verdict, context)),
    ],
    state: `nothing was applied for ${details.service}; ${details.database} is as it was.`,
    next: [
      ...details.verdicts.map((verdict) => verdictNext(verdict, details.service, context)),
      'orch plan  # then: compares again, changes nothing',
    ],
  }),
  'ledger-too-new': ({ details }) => ({
    happened: [
      `${details.service}: the ledger of ${details.database} was written by a newer orch`,
      `  its format is ${details.format}; this orch knows formats up to ${details.supported}`,
    ],
    state: `nothing was done in ${details.database}.`,
    next: ['npm install orch@latest'],
  }),
};

/** One place alone was named with --config; without it the parent folders are searched too. */
function configNotFound(searched: readonly string[]): string[] {
  if (searched.length === 1) return [`there is no config file ${searched[0] ?? ''}`];
  return ['there is no orchestrator.config.yaml here. Looked for:', ...searched.map((path) => `  ${path}`)];
}

function shownFaults(faults: readonly Fault[], context: PhraseContext): string[] {
  return faults.flatMap((fault) => ['', ...faultLines(fault, context)]);
}

/** A TypeScript file is loaded only when it is applied: the revisions before it may be in by then. */
function appliedSoFar(service: string, context: PhraseContext): string {
  const heads = context.headsOf(service);
  const database = findService(context, service)?.database;
  if (heads === undefined || heads.length === 0 || database === undefined) return `nothing was applied for ${service}.`;
  return `${database} is at ${formatList(heads)}.`;
}

function placesToMend(faults: readonly Fault[]): string {
  return faults.length === 1 ? 'it is' : 'they are';
}

function nearest(name: string | undefined): string {
  return name === undefined ? '' : `; did you mean ${quote(name)}?`;
}

function known(names: readonly string[]): string {
  return names.length === 0 ? 'none' : formatList(names);
}

function quote(name: string): string {
  return `"${name}"`;
}

function configName(context: PhraseContext): string {
  return context.project === undefined ? 'orchestrator.config.yaml' : shownPath(context.project.file, context.cwd);
}

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

function verdictLines(verdict: Verdict, context: PhraseContext): string[] {
  return (verdicts[verdict.kind] as (v: Verdict, c: PhraseContext) => string[])(verdict, context);
}

function verdictNext(verdict: Verdict, service: string, context: PhraseContext): string {
  if (verdict.kind === 'out-of-order') {
    return `git mv ${shellWord(shownPath(verdict.file, context.cwd))} <a number after ${verdict.head}>`;
  }
  if (verdict.kind === 'changed') {
    const file = shellWord(shownPath(verdict.file, context.cwd));
    if (verdict.statementsDone !== undefined) {
      return `git log -p -- ${file}  # bring the text of the done statements back; those behind them may be mended`;
    }
    return `git log -p -- ${file}  # bring the applied text back; put the change into a new revision`;
  }
  const folder = findService(context, service)?.revisions;
  const files = folder === undefined ? verdict.revision : `${shownPath(folder, context.cwd)}/${verdict.revision}`;
  return `git log --diff-filter=D -- ${shellWord(`${files}.*`)}  # find the file and bring it back`;
}
