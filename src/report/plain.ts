import type { Event } from '../core/event.ts';
import type { Outcome } from '../core/outcome.ts';
import { phraseEvent } from './event-phrases.ts';
import type { Reporter } from './reporter.ts';
import type { ReportSettings } from './settings.ts';
import { phraseStep } from './step-phrases.ts';
import { createStyle, type Style } from './style.ts';
import { formatSummary } from './summary.ts';
import { Told } from './told.ts';
import { WaitPace } from './wait-pace.ts';

/** ms after which a step that has said nothing yet is named. */
const LONG = 3_000;

/** For CI and pipes: a line for each event that matters, its parts two spaces apart; the summary is the answer. */
export function createPlainReporter(settings: ReportSettings): Reporter {
  const told = new Told(settings);
  const lines = new PlainLines(told, settings);
  const style = createStyle(settings.answersColor);
  return {
    on: (event) => {
      told.on(event);
      lines.on(event);
    },
    pause: async () => undefined,
    close: async (outcome: Outcome | undefined) => {
      writeEnd(settings, told, outcome, style);
    },
    fail: async (failure) => {
      settings.progress.write(told.untoldFailure(failure));
    },
  };
}

/** The summary, and behind it each failure in full: what to type next stands last. */
export function writeEnd(settings: ReportSettings, told: Told, outcome: Outcome | undefined, style: Style): void {
  const summary = outcome === undefined ? '' : formatSummary(outcome, told.context, style, settings.answers.columns);
  if (summary !== '') settings.answers.write(summary);
  const failures = told.untold(outcome);
  if (failures !== '') settings.progress.write(failures);
}

/** Events as plain lines, waits at growing intervals. */
export class PlainLines {
  readonly #told: Told;
  readonly #settings: ReportSettings;
  readonly #pace = new WaitPace();
  /** Progress told so far, by step: tenths, or units where no total is known. */
  readonly #progress = new Map<string, number>();
  /** Steps that began without a word, by their ids. */
  readonly #unsaid = new Map<string, NodeJS.Timeout>();

  constructor(told: Told, settings: ReportSettings) {
    this.#told = told;
    this.#settings = settings;
  }

  on(event: Event): void {
    this.#watch(event);
    if (this.#matters(event)) this.#write(event);
  }

  #write(event: Event): void {
    const parts = phraseEvent(event, this.#told.context).map((part) => this.#told.context.clean(part));
    this.#settings.progress.write(`${parts.join('  ')}\n`);
  }

  /** A step that is news only once it is done says what it is at where that takes long: who reads a log would see nothing. */
  #watch(event: Event): void {
    if (event.type === 'step-started' && phraseStep(event.step).news && !this.#matters(event)) {
      const timer = setTimeout(() => this.#write(event), LONG);
      // It keeps no program from ending.
      timer.unref();
      this.#unsaid.set(event.step.id, timer);
    }
    if (event.type === 'step-finished' || event.type === 'step-failed' || event.type === 'step-skipped') {
      clearTimeout(this.#unsaid.get(event.step.id));
      this.#unsaid.delete(event.step.id);
    }
  }

  #matters(event: Event): boolean {
    switch (event.type) {
      case 'probe-awaited':
        return this.#pace.isDue(`server ${event.server}`, event.probe, event.waited);
      case 'lock-awaited':
        return this.#pace.isDue(`lock ${event.subject.service}`, String(event.holder?.pid), event.waited);
      case 'step-progressed':
        return this.#isProgressDue(event);
      case 'step-started':
        // What may take minutes says so beforehand; so does a revision that no transaction protects.
        return event.step.kind === 'build-image' || isOutsideTransaction(event.step);
      case 'step-finished':
      case 'step-skipped':
        return phraseStep(event.step).news;
      case 'notice-received':
        return this.#settings.verbose || isWarning(event.severity);
      default:
        return true;
    }
  }

  /** A data revision may progress a thousand times: a line at each tenth, or at each doubling where no total is known. */
  #isProgressDue(event: Extract<Event, { type: 'step-progressed' }>): boolean {
    if (event.total !== undefined && event.total > 0) {
      const tenth = Math.floor((10 * event.done) / event.total);
      const due = (this.#progress.get(event.step.id) ?? 0) < tenth;
      if (due) this.#progress.set(event.step.id, tenth);
      return due;
    }
    const due = event.done >= 2 * (this.#progress.get(event.step.id) ?? 0);
    if (due) this.#progress.set(event.step.id, event.done);
    return due;
  }
}

/** Notices tell of tables that are there already, a build of a thousand lines: only with `--verbose`. */
export function isWarning(severity: string): boolean {
  return (
    severity !== 'NOTICE' &&
    severity !== 'BUILD' &&
    severity !== 'INFO' &&
    severity !== 'LOG' &&
    !severity.startsWith('DEBUG')
  );
}

function isOutsideTransaction(step: Extract<Event, { type: 'step-started' }>['step']): boolean {
  return step.kind === 'apply-revision' && step.revision.up.transaction === 'none';
}
