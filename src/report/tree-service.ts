import type { Event } from '../core/event.ts';
import type { Failure } from '../core/failure.ts';
import type { Step, Subject } from '../core/plan.ts';
import { phraseBlocked, phraseFailureShort, phraseLockHolder, phraseProgress, phraseSkip } from './event-phrases.ts';
import { phraseBlocker } from './holder-phrase.ts';
import type { PhraseContext } from './phrase-context.ts';
import { shownPlace } from './phrase-context.ts';
import { phraseStep } from './step-phrases.ts';
import type { TreeLine, TreePart, TreeState } from './tree-line.ts';
import { formatCount, formatDuration } from './units.ts';

/** Elapsed time is shown from here on, in ms: shorter ones would only flicker. */
const elapsedFrom = 1000;

interface StepRow {
  readonly step: Step;
  readonly startedAt: number;
  state: TreeState;
  duration: number | undefined;
  /** Progress while it runs, a note when it is done, the short reason when it failed. */
  detail: string;
}

type StepEvent = Extract<Event, { readonly step: Step }>;

/** One service of the tree: what its steps came to so far. */
export class TreeService {
  readonly #subject: Subject;
  readonly #context: PhraseContext;
  readonly #rows = new Map<string, StepRow>();
  #pending = new Set<string>();
  #startedAt: number | undefined;
  #endedAt: number | undefined;
  #applied = 0;
  #skipped: { count: number; why: string } | undefined;
  #refusal: string | undefined;
  #lockHolder = '';
  #notice = '';
  #url = '';

  constructor(subject: Subject, context: PhraseContext) {
    this.#subject = subject;
    this.#context = context;
  }

  /** A plan was made, perhaps anew: what was begun under an older one and not ended is begun again. */
  plan(steps: readonly Step[], now: number): void {
    this.#pending = new Set(steps.map((step) => step.id));
    for (const [id, row] of this.#rows) if (row.state === 'running') this.#rows.delete(id);
    this.#skipped = undefined;
    this.#endedAt = steps.length === 0 && this.#startedAt !== undefined ? now : undefined;
  }

  refuse(failure: Failure | undefined, needs: string | undefined): void {
    const because =
      failure === undefined ? `it needs ${needs ?? 'another service'}` : phraseFailureShort(failure, this.#context);
    this.#refusal = `left alone: ${because}`;
  }

  awaitLock(event: Extract<Event, { type: 'lock-awaited' }>): void {
    this.#lockHolder = phraseLockHolder(event);
  }

  block(event: Extract<Event, { type: 'revision-blocked' }>): void {
    this.#notice = [phraseBlocked(event), ...event.blockers.map(phraseBlocker)].join('  ');
  }

  notice(severity: string, message: string): void {
    this.#notice = severity === 'BUILD' ? message : `${severity.toLowerCase()}: ${message}`;
  }

  on(event: StepEvent, now: number): void {
    const { step } = event;
    const row = this.#rows.get(step.id) ?? { step, startedAt: now, state: 'running', duration: undefined, detail: '' };
    this.#startedAt ??= now;
    if (event.type === 'step-skipped') this.#skip(event);
    else this.#rows.set(step.id, row);
    if (event.type === 'step-progressed') row.detail = phraseProgress(event);
    if (event.type === 'step-finished') this.#finish(row, event);
    if (event.type === 'step-failed') this.#fail(row, event);
    if (event.type === 'step-started' || event.type === 'step-progressed') return;
    this.#lockHolder = '';
    this.#notice = '';
    this.#pending.delete(step.id);
    if (this.#pending.size === 0) this.#endedAt = now;
  }

  #finish(row: StepRow, event: Extract<Event, { type: 'step-finished' }>): void {
    row.state = 'done';
    row.duration = event.duration;
    row.detail = phraseStep(event.step).done.includes(event.note ?? '') ? '' : (event.note ?? '');
    if (event.step.kind === 'apply-revision') this.#applied += 1;
    if (event.step.kind === 'wait-healthy') this.#url = event.note ?? '';
    if (!phraseStep(event.step).news) this.#rows.delete(event.step.id);
  }

  #fail(row: StepRow, event: Extract<Event, { type: 'step-failed' }>): void {
    row.state = 'failed';
    row.duration = event.duration;
    const place = event.failure.at === undefined ? '' : `${shownPlace(event.failure.at, this.#context.cwd)}  `;
    row.detail = place + phraseFailureShort(event.failure, this.#context);
  }

  #skip(event: Extract<Event, { type: 'step-skipped' }>): void {
    if (!phraseStep(event.step).news) return;
    this.#skipped = { count: (this.#skipped?.count ?? 0) + 1, why: phraseSkip(event.because) };
  }

  get #state(): TreeState {
    if (this.#refusal !== undefined || [...this.#rows.values()].some((row) => row.state === 'failed')) {
      return this.#endedAt === undefined && this.#pending.size > 0 ? 'running' : 'failed';
    }
    if (this.#startedAt === undefined) return 'waiting';
    if (this.#endedAt === undefined) return 'running';
    return this.#skipped === undefined ? 'done' : 'skipped';
  }

  /** @param room how many ended steps to show at most while it runs */
  line(now: number, room: number): TreeLine {
    const state = this.#state;
    return {
      key: `service ${this.#subject.service}`,
      state,
      parts: this.#title(state, now),
      children: this.#children(state, now, room),
    };
  }

  #title(state: TreeState, now: number): TreePart[] {
    const { clean } = this.#context;
    const spent = this.#startedAt === undefined ? undefined : (this.#endedAt ?? now) - this.#startedAt;
    return [
      { text: clean(this.#subject.service), tone: 'bold' },
      { text: clean(this.#subject.database), tone: 'dim' },
      { text: this.#applied === 0 ? '' : `${formatCount(this.#applied, 'revision')} applied`, tone: 'plain' },
      { text: clean(this.#refusal ?? ''), tone: 'red' },
      { text: state === 'skipped' ? (this.#skipped?.why ?? '') : '', tone: 'yellow' },
      { text: clean(this.#url), tone: 'cyan' },
      {
        text: spent === undefined || (state === 'running' && spent < elapsedFrom) ? '' : formatDuration(spent),
        tone: 'dim',
      },
    ];
  }

  #children(state: TreeState, now: number, room: number): TreeLine[] {
    const rows = [...this.#rows.values()];
    // What is done is told by its revisions; how the database was prepared matters only while it goes on, or goes wrong.
    const told = state === 'done' ? rows.filter((row) => toldAfterwards.has(row.step.kind)) : rows;
    const ended = told.filter((row) => row.state === 'done');
    const hidden = new Set(ended.slice(0, Math.max(0, ended.length - room)));
    const lines = told.filter((row) => !hidden.has(row)).map((row) => this.#row(row, now));
    const earlier =
      hidden.size === 0 ? [] : [note(`${this.#subject.service} earlier`, `${formatCount(hidden.size, 'step')} before`)];
    return [...earlier, ...lines, ...this.#notDone()];
  }

  #notDone(): TreeLine[] {
    if (this.#skipped === undefined || this.#rows.size === 0) return [];
    const text = `${formatCount(this.#skipped.count, 'step')} ${this.#skipped.why}`;
    return [
      { key: `${this.#subject.service} skipped`, state: 'skipped', parts: [{ text, tone: 'dim' }], children: [] },
    ];
  }

  #row(row: StepRow, now: number): TreeLine {
    const { clean } = this.#context;
    const spent = row.duration ?? now - row.startedAt;
    const failed = row.state === 'failed';
    return {
      key: row.step.id,
      state: row.state,
      parts: [
        { text: clean(phraseStep(row.step).what), tone: 'plain' },
        { text: clean(this.#verb(row)), tone: failed ? 'red' : 'dim' },
        { text: row.state === 'running' && spent < elapsedFrom ? '' : formatDuration(spent), tone: 'dim' },
        { text: clean(row.detail === '' ? this.#passing(row) : row.detail), tone: failed ? 'plain' : 'dim' },
      ],
      children: [],
    };
  }

  #verb(row: StepRow): string {
    if (row.state === 'failed') return 'failed';
    const phrase = phraseStep(row.step);
    if (row.state === 'done') return phrase.done;
    return this.#waitsForLock(row) ? 'waiting for it' : phrase.doing;
  }

  /** What is of interest only while the step runs. */
  #passing(row: StepRow): string {
    if (row.state !== 'running') return '';
    return this.#waitsForLock(row) ? this.#lockHolder : this.#notice;
  }

  #waitsForLock(row: StepRow): boolean {
    return row.step.kind === 'acquire-lock' && this.#lockHolder !== '';
  }
}

/** What is done is told by these; how the database was prepared is not. */
const toldAfterwards: ReadonlySet<string> = new Set(['apply-revision', 'revert-revision', 'stamp', 'accept-revision']);

function note(key: string, text: string): TreeLine {
  return { key, state: 'note', parts: [{ text, tone: 'dim' }], children: [] };
}
