import type { Failure } from '../core/failure.ts';
import type { Loss } from '../core/observed.ts';
import type { Plan } from '../core/plan.ts';
import { formatJsonLine, writtenFailure, writtenPlan } from './json.ts';
import type { Reporter } from './reporter.ts';
import { type ReporterOptions, type ReportSettings, resolveSettings } from './settings.ts';
import { createStyle, type Style } from './style.ts';
import { formatCurrent, formatLoss, formatPlanTable, formatStatus, type StatusRow } from './tables.ts';
import { Told } from './told.ts';

/** A line of a service's own log. */
interface ServiceLogLine {
  readonly service: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/**
 * What a command was asked for, on stdout: tables, or with `--output json` one line of JSON each. `--quiet` keeps them:
 * they are no progress. Each puts the live tree to rest before it writes.
 */
export interface Answers {
  /** Failures of single services are told in full on stderr. */
  current(rows: readonly StatusRow[]): Promise<void>;
  status(rows: readonly StatusRow[]): Promise<void>;
  plan(plan: Plan): Promise<void>;
  /** What a reset would lose; `undefined`: there is no database. On stderr, where the question is asked. */
  loss(service: { readonly name: string; readonly database: string }, loss: Loss | undefined): Promise<void>;
  /** Names of what `down` stopped. */
  stopped(names: readonly string[]): Promise<void>;
  logLine(line: ServiceLogLine): Promise<void>;
}

/** The answers in the format that was asked for; `reporter` is the one that paints meanwhile. */
export function createAnswers(options: ReporterOptions, reporter: Reporter): Answers {
  const settings = resolveSettings(options);
  return settings.kind === 'json' ? jsonAnswers(settings) : textAnswers(settings, reporter);
}

function textAnswers(settings: ReportSettings, reporter: Reporter): Answers {
  const told = new Told(settings);
  const { context } = told;
  const style = createStyle(settings.answersColor);
  const answer = async (text: string): Promise<void> => {
    await reporter.pause();
    settings.answers.write(text);
  };
  const tell = (failures: readonly Failure[]): void => {
    for (const failure of failures) settings.progress.write(told.untoldFailure(failure));
  };
  const rowsAnswer = (format: typeof formatStatus) => async (rows: readonly StatusRow[]) => {
    await answer(format(rows, context, style));
    tell(rows.flatMap((row) => row.failure ?? []));
  };
  return {
    current: rowsAnswer(formatCurrent),
    status: rowsAnswer(formatStatus),
    plan: async (plan) => {
      await answer(formatPlanTable(plan, context, style));
      tell(plan.refusals.flatMap(({ failure }) => failure ?? []));
    },
    loss: async (service, loss) => {
      await reporter.pause();
      settings.progress.write(formatLoss(service.database, loss, context, createStyle(settings.color)));
    },
    stopped: (names) =>
      answer(`${names.length === 0 ? 'Nothing was running.' : `Stopped: ${context.clean(names.join(', '))}.`}\n`),
    logLine: (line) => answer(`${logName(context.clean(line.service), style)} ${context.clean(line.text)}\n`),
  };
}

function logName(service: string, style: Style): string {
  return style.cyan(`${service} |`);
}

function jsonAnswers(settings: ReportSettings): Answers {
  const told = new Told(settings);
  const write = async (type: string, fields: object): Promise<void> => {
    settings.answers.write(formatJsonLine(type, fields, settings));
  };
  const written = (failure: Failure | undefined): object | undefined =>
    failure === undefined ? undefined : writtenFailure(failure, told, settings);
  return {
    current: (rows) =>
      write('current', {
        services: rows.map(({ pending: _p, container: _c, failure, ...row }) => ({
          ...row,
          failure: written(failure),
        })),
      }),
    status: (rows) => write('status', { services: rows.map((row) => ({ ...row, failure: written(row.failure) })) }),
    plan: (plan) => write('plan', writtenPlan(plan, told, settings)),
    loss: ({ name, database }, loss) => {
      const { tables = [], size = 0, sessions = [] } = loss ?? {};
      return write('loss', { service: name, database, exists: loss !== undefined, tables, size, sessions });
    },
    stopped: (names) => write('stopped', { names }),
    logLine: ({ service, stream, text }) => write('log', { service, stream, text }),
  };
}
