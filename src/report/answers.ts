import type { Rebased, WrittenRevision } from '../core/answers/authoring.ts';
import type { ServiceBaseline } from '../core/answers/baseline.ts';
import type { ServiceCheck } from '../core/answers/check.ts';
import type { ServiceFiles, ServiceHistory } from '../core/answers/history.ts';
import type { ShownRevision } from '../core/answers/shown.ts';
import type { Failure } from '../core/failure.ts';
import type { DatabaseSession, Loss } from '../core/observed.ts';
import type { Plan } from '../core/plan.ts';
import { visibleText } from '../core/terminal-text.ts';
import { formatMentions, formatRebased, formatWritten } from './authoring-answers.ts';
import { formatBaseline, writtenBaseline } from './baseline-answer.ts';
import { formatCheck } from './check-answer.ts';
import { formatDowngrade } from './downgrade-table.ts';
import { formatBranches, formatHeads, formatHistory } from './history-answers.ts';
import { formatJsonLine, writtenFailure, writtenPlan } from './json.ts';
import { writtenCheck } from './json-findings.ts';
import { type EndedRow, formatEnded, formatEnding, formatLocks, type LocksRow } from './locks-answer.ts';
import type { PhraseContext } from './phrase-context.ts';
import type { Reporter } from './reporter.ts';
import { type ReporterOptions, type ReportSettings, resolveSettings } from './settings.ts';
import { formatShown } from './show-answer.ts';
import { createStyle, type Style } from './style.ts';
import {
  formatCurrent,
  formatCurrentBlocks,
  formatLoss,
  formatPlanTable,
  formatStatus,
  type StatusRow,
} from './tables.ts';
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
  /** `verbose`: with what the ledger says of each head; in JSON always. */
  current(rows: readonly StatusRow[], verbose?: boolean): Promise<void>;
  status(rows: readonly StatusRow[]): Promise<void>;
  plan(plan: Plan): Promise<void>;
  /** What a reset would lose; `undefined`: there is no database. On stderr, where the question is asked. */
  loss(service: { readonly name: string; readonly database: string }, loss: Loss | undefined): Promise<void>;
  /** What a downgrade does, and what data goes. On stderr, where the question is asked. */
  downgrade(plan: Plan): Promise<void>;
  /** A script for psql, in pieces: nothing masked; as it is, but on a terminal, which must not obey what is in it. */
  script(pieces: AsyncIterable<string>): Promise<void>;
  /** Names of what `down` stopped. */
  stopped(names: readonly string[]): Promise<void>;
  /** Files that were written: their paths, one a line. */
  written(revision: WrittenRevision): Promise<void>;
  /** Files that have other names now; on stderr what still says the old ones. */
  rebased(rebased: Rebased): Promise<void>;
  history(rows: readonly ServiceHistory[], verbose: boolean): Promise<void>;
  heads(rows: readonly ServiceFiles[]): Promise<void>;
  branches(rows: readonly ServiceFiles[]): Promise<void>;
  shown(rows: readonly ShownRevision[]): Promise<void>;
  /** What a check found; what could not be checked is told in full on stderr. */
  check(rows: readonly ServiceCheck[]): Promise<void>;
  /** What databases were found to be; why one matches nothing is told with the outcome. */
  baseline(rows: readonly ServiceBaseline[]): Promise<void>;
  /** Who holds orch's locks, who waits for them, and what runs for long. */
  locks(rows: readonly LocksRow[]): Promise<void>;
  /** Whose statement or session is to be ended, and what that means. On stderr, where the question is asked. */
  ending(action: EndedRow['action'], session: DatabaseSession, database: string): Promise<void>;
  ended(row: EndedRow): Promise<void>;
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
  const tellRows = async (rows: readonly { readonly failure: Failure | undefined }[], text: string): Promise<void> => {
    await answer(text);
    tell(rows.flatMap((row) => row.failure ?? []));
  };
  return {
    current: (rows, verbose) =>
      tellRows(rows, (verbose === true ? formatCurrentBlocks : formatCurrent)(rows, context, style)),
    status: (rows) => tellRows(rows, formatStatus(rows, context, style)),
    ...lookingAnswers({ answer, tellRows, context, style, secrets: settings.secrets }),
    plan: async (plan) => {
      await answer(formatPlanTable(plan, context, style));
      tell(plan.refusals.flatMap(({ failure }) => failure ?? []));
    },
    loss: async (service, loss) => {
      await reporter.pause();
      settings.progress.write(formatLoss(service.database, loss, context, createStyle(settings.color)));
    },
    downgrade: async (plan) => {
      await reporter.pause();
      settings.progress.write(formatDowngrade(plan, context, createStyle(settings.color)));
    },
    ending: async (action, session, database) => {
      await reporter.pause();
      settings.progress.write(formatEnding(action, session, database, context, createStyle(settings.color)));
    },
    script: async (pieces) => {
      await reporter.pause();
      for await (const piece of gathered(pieces))
        settings.answers.write(settings.answers.isTTY === true ? shownScript(piece) : piece);
    },
    stopped: (names) =>
      answer(`${names.length === 0 ? 'Nothing was running.' : `Stopped: ${context.clean(names.join(', '))}.`}\n`),
    written: ({ files }) => answer(formatWritten(files, context)),
    rebased: async (rebased) => {
      await answer(formatRebased(rebased, context));
      settings.progress.write(formatMentions(rebased, context));
    },
    logLine: (line) => answer(`${logName(context.clean(line.service), style)} ${context.clean(line.text)}\n`),
  };
}

/** What only looks at files and ledgers. */
function lookingAnswers({
  answer,
  tellRows,
  context,
  style,
  secrets,
}: {
  readonly answer: (text: string) => Promise<void>;
  readonly tellRows: (rows: readonly { readonly failure: Failure | undefined }[], text: string) => Promise<void>;
  readonly context: PhraseContext;
  readonly style: Style;
  readonly secrets: readonly string[];
}): Pick<Answers, 'history' | 'heads' | 'branches' | 'shown' | 'check' | 'baseline' | 'locks' | 'ended'> {
  return {
    history: (rows, verbose) => tellRows(rows, formatHistory(rows, verbose, context, style)),
    heads: (rows) => tellRows(rows, formatHeads(rows, context, style)),
    branches: (rows) => tellRows(rows, formatBranches(rows, context, style)),
    shown: (rows) => answer(formatShown(rows, secrets, context, style)),
    locks: (rows) => tellRows(rows, formatLocks(rows, context, style)),
    ended: (row) => answer(formatEnded(row, context)),
    baseline: (rows) => answer(formatBaseline(rows, context, style)),
    check: (rows) => tellRows(rows, formatCheck(rows, context, style)),
  };
}

/** Pieces put together to what is worth a write, in UTF-16 units. */
const WRITE = 64 * 1024;

async function* gathered(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    held.push(piece);
    length += piece.length;
    if (length < WRITE) continue;
    yield held.join('');
    held = [];
    length = 0;
  }
  yield held.join('');
}

function logName(service: string, style: Style): string {
  return style.cyan(`${service} |`);
}

/** A tab is part of how the text is laid out, and steers no terminal. */
function shownScript(piece: string): string {
  return piece
    .split('\t')
    .map((part) => visibleText(part, 'keep'))
    .join('\t');
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
    downgrade: (plan) => write('plan', writtenPlan(plan, told, settings)),
    script: (pieces) => writeScript(settings, pieces),
    history: (rows) => write('history', { services: rows.map((row) => ({ ...row, failure: written(row.failure) })) }),
    heads: (rows) =>
      write('heads', {
        services: rows.map(({ service, heads, failure }) => ({
          service,
          heads: heads.map(({ name, message, created, author, parents, labels, requires, file }) => {
            return { name, message, created, author, parents, labels, requires, file };
          }),
          failure: written(failure),
        })),
      }),
    branches: (rows) =>
      write('branches', {
        services: rows.map(({ service, branches, failure }) => ({ service, branches, failure: written(failure) })),
      }),
    shown: (revisions) => write('shown', { revisions }),
    check: (rows) => write('check', writtenCheck(rows, told, settings)),
    baseline: (rows) => write('baseline', { services: rows.map((row) => writtenBaseline(row, written(row.failure))) }),
    ...jsonRunning(write, written),
    written: (revision) => write('written', revision),
    rebased: (rebased) => write('rebased', rebased),
    logLine: ({ service, stream, text }) => write('log', { service, stream, text }),
  };
}

/** What is at work, and what was ended of it. */
function jsonRunning(
  write: (type: string, fields: object) => Promise<void>,
  written: (failure: Failure | undefined) => object | undefined,
): Pick<Answers, 'locks' | 'ending' | 'ended' | 'stopped'> {
  return {
    locks: (rows) => write('locks', { databases: rows.map((row) => ({ ...row, failure: written(row.failure) })) }),
    ending: (action, session, database) => write('session', { action, database, session }),
    ended: (row) => write('session-ended', { ...row }),
    stopped: (names) => write('stopped', { names }),
  };
}

async function writeScript(settings: ReportSettings, pieces: AsyncIterable<string>): Promise<void> {
  const all: string[] = [];
  for await (const piece of pieces) all.push(piece);
  // Not masked: what was taken for a secret would be another script.
  const at = new Date(settings.now()).toISOString();
  settings.answers.write(`${JSON.stringify({ type: 'script', at, text: all.join('') })}\n`);
}
