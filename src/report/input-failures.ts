import type { FailureDetails } from '../core/failure.ts';
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
  | 'session-not-found'
  | 'session-not-approved'
  | 'revision-invalid'
  | 'ledger-too-new';

export const inputFailures: FailurePhrases<InputCode> = {
  'usage-invalid': ({ details }) => ({
    happened: [details.message],
    state: NOTHING_DONE,
    next: [details.next ?? 'orch --help'],
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
    happened: [
      `${approved[details.command]} ${details.what} was not approved: the answer was no, or there is no terminal to ask on`,
    ],
    state: NOTHING_DONE,
    next: [`${approvable(details)} --yes  # approves without asking`],
  }),
  'session-not-found': ({ details }) => ({
    happened: [
      `no session with the pid ${details.pid} is in ${formatList(details.databases)}, or it has nothing to do with orch`,
    ],
    state: NOTHING_DONE,
    next: ['orch locks  # shows which sessions there are'],
  }),
  'session-not-approved': ({ details }) => ({
    happened: [
      `that pid ${details.pid} is to be ended was not approved: the answer was no, or there is no terminal to ask on`,
    ],
    state: NOTHING_DONE,
    next: [`orch locks --${details.action} ${details.pid} --yes  # does it without asking`],
  }),
  'revision-invalid': ({ details }, context) => ({
    happened: [
      `${details.service}: ${formatCount(details.faults.length, 'fault')} in its revision files`,
      ...shownFaults(details.faults, context),
    ],
    state: appliedSoFar(details.service, context),
    next: [`orch plan  # once ${placesToMend(details.faults)} mended: reads the files again, changes nothing`],
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

const approved = { reset: 'the loss of', downgrade: 'the downgrade to', baseline: 'the stamp of' } as const;

/** Without the services the command would take in more than was asked for. */
function approvable({ command, what, services }: FailureDetails['approval-missing']): string {
  if (command === 'baseline') return `orch baseline --service ${shellWord(what)}`;
  return ['orch', command, ...services.flatMap((name) => ['--service', shellWord(name)]), shellWord(what)].join(' ');
}

/** A file that is no config at all has a fault in each line, and nobody reads thousands; JSON has them all. */
const MOST_SHOWN = 50;

function shownFaults(faults: readonly Fault[], context: PhraseContext): string[] {
  const shown = faults.slice(0, MOST_SHOWN).flatMap((fault) => ['', ...faultLines(fault, context)]);
  const left = faults.length - MOST_SHOWN;
  return left > 0 ? [...shown, '', `… and ${formatCount(left, 'fault')} more`] : shown;
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
