import type { Failure } from '../core/failure.ts';
import type { Plan, Refusal, Step } from '../core/plan.ts';
import { maskSecrets, visibleJson } from '../core/terminal-text.ts';
import { withoutData } from './failure-phrase.ts';
import { phraseFailure } from './failure-phrases.ts';
import type { Reporter } from './reporter.ts';
import type { ReportSettings } from './settings.ts';
import { Told } from './told.ts';

/** `--output json`: one object a line on `answers`, as `json-fields.ts` documents. */
export function createJsonReporter(settings: ReportSettings): Reporter {
  const told = new Told(settings);
  const write = (type: string, fields: object): void => {
    settings.answers.write(formatJsonLine(type, fields, settings));
  };
  return {
    on: (event) => {
      told.on(event);
      const { type, ...fields } = event;
      write(type, writtenEvent(fields, told, settings));
    },
    pause: async () => undefined,
    close: async (outcome) => {
      if (outcome === undefined) return;
      const failures = told.take(outcome).map((failure) => writtenFailure(failure, told, settings));
      const { command, unchanged, interrupted, duration, services } = outcome;
      const exitCode = settings.exitCodes.ofOutcome(outcome);
      write('run-finished', { command, exitCode, unchanged, interrupted, duration, services, failures });
    },
    fail: async (failure) => write('run-failed', { failure: writtenFailure(failure, told, settings) }),
  };
}

/**
 * One line of JSON output, ending with `\n`: `type`, `at` (ISO 8601), then the fields; what is undefined is left out.
 * For answers too: `orch status --output json` writes one line of type `status`.
 */
export function formatJsonLine(
  type: string,
  fields: object,
  settings: Pick<ReportSettings, 'now' | 'secrets'>,
): string {
  const line = { type, at: new Date(settings.now()).toISOString(), ...fields };
  const masked = JSON.stringify(line, (_key, value: unknown) =>
    typeof value === 'string' ? maskSecrets(value, settings.secrets) : value,
  );
  return `${visibleJson(masked)}\n`;
}

function writtenEvent(fields: object, told: Told, settings: ReportSettings): object {
  return Object.fromEntries(
    Object.entries(fields as Partial<WrittenValues>).flatMap(([name, value]): [string, unknown][] => {
      if (name === 'step') return [[name, writtenStep(value as Step)]];
      if (name === 'failure') return [[name, writtenFailure(value as Failure, told, settings)]];
      if (name === 'subject') return Object.entries(value as object);
      if (name === 'plan') return Object.entries(writtenPlan(value as WrittenValues['plan'], told, settings));
      return [[name, value]];
    }),
  );
}

interface WrittenValues {
  readonly step: Step;
  readonly failure: Failure;
  readonly plan: Plan;
}

export function writtenPlan(plan: Plan, told: Told, settings: ReportSettings): object {
  const refusals = plan.refusals.map((refusal) => writtenRefusal(refusal, told, settings));
  return { goal: plan.goal, steps: plan.steps.map(writtenStep), refusals };
}

function writtenRefusal(refusal: Refusal, told: Told, settings: ReportSettings): object {
  const failure = refusal.failure === undefined ? undefined : writtenFailure(refusal.failure, told, settings);
  return { ...refusal.subject, needs: refusal.needs, failure };
}

/** A step without its SQL: the text of a revision may hold what no log should. */
function writtenStep(step: Step): object {
  const { id, kind, subject, because, after, ...rest } = step;
  const common = { id, kind, ...subject, because, after };
  if (step.kind === 'acquire-lock') return common;
  if (step.kind === 'stamp') return { ...common, ...rest, add: step.add.map(({ name }) => name) };
  if (step.kind === 'accept-revision') return { ...common, ...rest, found: step.found !== undefined };
  if (step.kind !== 'apply-revision' && step.kind !== 'revert-revision') return { ...common, ...rest };
  const { revision, resumeAt } = step;
  const { file, transaction } = step.kind === 'apply-revision' ? revision.up : (revision.down ?? revision.up);
  const kept = step.kind === 'apply-revision' ? {} : { origin: step.origin, drops: step.drops };
  const { name, kind: revisionKind } = revision;
  const unclear = step.unclear !== undefined;
  return { ...common, revision: name, revisionKind, file, transaction, resumeAt, unclear, ...kept };
}

/** DETAIL of the server holds row values (V23), and its context may. */
function withoutRowValues(details: Failure['details']): object {
  const where = 'where' in details && typeof details.where === 'string' ? { where: withoutData(details.where) } : {};
  return { ...details, ...where, detail: undefined };
}

/** A failure with its words; with values of rows only where `--show-data` asks for them. */
export function writtenFailure(failure: Failure, told: Told, settings: ReportSettings): object {
  const phrase = phraseFailure(failure, told.context);
  const details = settings.showData ? failure.details : withoutRowValues(failure.details);
  return {
    code: failure.code,
    exitCode: settings.exitCodes.ofFailure(failure),
    message: phrase.happened.join('\n'),
    state: phrase.state,
    next: phrase.next,
    details,
    place: failure.at,
  };
}
