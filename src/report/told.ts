import type { Event } from '../core/event.ts';
import type { Failure } from '../core/failure.ts';
import type { Outcome } from '../core/outcome.ts';
import type { StepOf } from '../core/plan.ts';
import { maskSecrets, visibleText } from '../core/terminal-text.ts';
import { formatFailure } from './failure-text.ts';
import type { PhraseContext } from './phrase-context.ts';
import type { ReportSettings } from './settings.ts';
import { createStyle } from './style.ts';

/**
 * Masks secrets, then makes control characters visible: in this order, because an escaped secret is found no more.
 * @internal
 */
export function createClean(secrets: readonly string[]): (text: string) => string {
  return (text) => visibleText(maskSecrets(text, secrets), 'escape');
}

/** What a reporter has to remember between events: where each database stands, and which failures were told. */
export class Told {
  context: PhraseContext;
  readonly #settings: ReportSettings;
  readonly #heads = new Map<string, readonly string[]>();
  readonly #seen: Failure[] = [];
  readonly #told = new Set<Failure>();
  readonly #texts = new Set<string>();

  constructor(settings: ReportSettings) {
    this.#settings = settings;
    this.context = {
      cwd: settings.cwd,
      showData: settings.showData,
      project: settings.project,
      clean: createClean(settings.secrets),
      mask: (text) => maskSecrets(text, settings.secrets),
      command: undefined,
      headsOf: (service) => this.#heads.get(service),
    };
  }

  /** Takes note of an event before it is told. */
  on(event: Event): void {
    if (event.type === 'run-started') this.context = { ...this.context, command: event.command };
    if (event.type === 'step-failed') this.#seen.push(event.failure);
    if (event.type === 'plan-made') {
      for (const refusal of event.plan.refusals) if (refusal.failure !== undefined) this.#seen.push(refusal.failure);
    }
    if (!('step' in event)) return;
    if (event.step.kind === 'revert-revision') this.#onRevert(event.type, event.step);
    if (event.step.kind !== 'apply-revision') return;
    const { revision } = event.step;
    if (revision.kind !== 'revision') return;
    const { service } = event.step.subject;
    // A revision is tried only where its parents are applied: they are where the database stands until it is done.
    if (event.type === 'step-started') this.#heads.set(service, revision.parents);
    if (event.type === 'step-finished') this.#heads.set(service, [revision.name]);
  }

  #onRevert(type: Event['type'], { revision, subject }: StepOf<'revert-revision'>): void {
    if (revision.kind !== 'revision') return;
    if (type === 'step-started') this.#heads.set(subject.service, [revision.name]);
    if (type === 'step-finished') this.#heads.set(subject.service, revision.parents);
  }

  /** The failures of the outcome (or, without one, those seen so far) that were not taken before. */
  take(outcome: Outcome | undefined): Failure[] {
    for (const service of outcome?.services ?? []) {
      if (service.heads !== undefined) this.#heads.set(service.service, service.heads);
    }
    const failures = [...new Set(outcome === undefined ? this.#seen : outcome.failures)];
    const fresh = failures.filter((failure) => !this.#told.has(failure));
    for (const failure of fresh) this.#told.add(failure);
    return fresh;
  }

  /** The text of this failure in full; empty: it was told. */
  untoldFailure(failure: Failure): string {
    if (this.#told.has(failure)) return '';
    this.#told.add(failure);
    return this.#textOf(failure);
  }

  /** Several services on one server that cannot be reached are one piece of news: the same text is not told again. */
  #textOf(failure: Failure): string {
    const text = `\n${formatFailure(failure, this.context, createStyle(this.#settings.color))}`;
    if (this.#texts.has(text)) return '';
    this.#texts.add(text);
    return text;
  }

  /** The text of the failures that `take` gives, in full; empty: there is none. */
  untold(outcome: Outcome | undefined): string {
    return this.take(outcome)
      .map((failure) => this.#textOf(failure))
      .join('');
  }
}
