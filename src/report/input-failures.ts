import type { Fault } from '../core/fault.ts';
import { type FailurePhrases, NOTHING_DONE } from './failure-phrase.ts';
import { faultLines } from './fault-text.ts';
import { type PhraseContext, shellWord, shownPath } from './phrase-context.ts';
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
  | 'ledger-too-new';

export const inputFailures: FailurePhrases<InputCode> = {
  'usage-invalid': ({ details }) => ({
    happened: [details.message],
    state: NOTHING_DONE,
    next: ['orch --help'],
  }),
  'config-not-found': ({ details }, context) => ({
    happened: [
      'there is no orchestrator.config.yaml here. Looked for:',
      ...details.searched.map((path) => `  ${shownPath(path, context.cwd)}`),
    ],
    state: NOTHING_DONE,
    next: ["orch --config <path/to/orchestrator.config.yaml> status  # or change to the project's folder first"],
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
    happened: [`reset of ${details.database} is refused: the environment is ${details.environment}, not development`],
    state: NOTHING_DONE,
    next: [
      `environment: development  # in ${configName(context)}, if nothing in ${details.database} is worth keeping; no flag overrides it`,
    ],
  }),
  'approval-missing': ({ details }) => ({
    happened: [`the loss of ${details.what} was not approved: the answer was no, or there is no terminal to ask on`],
    state: NOTHING_DONE,
    next: [
      details.command === 'reset'
        ? `orch reset ${shellWord(details.what)} --yes  # approves without asking`
        : `orch downgrade ${details.what} --yes  # approves without asking`,
    ],
  }),
  'revision-invalid': ({ details }, context) => ({
    happened: [
      `${details.service}: ${formatCount(details.faults.length, 'fault')} in its revision files`,
      ...shownFaults(details.faults, context),
    ],
    state: `nothing was applied for ${details.service}.`,
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

function shownFaults(faults: readonly Fault[], context: PhraseContext): string[] {
  return faults.flatMap((fault) => ['', ...faultLines(fault, context)]);
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
