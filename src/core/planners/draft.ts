import type { Step, StepKind, StepOf, Subject } from '../plan.ts';
import type { Service } from '../project.ts';

type Fields<K extends StepKind> = Omit<StepOf<K>, 'id' | 'kind' | 'subject' | 'because' | 'after'>;

/** The steps of one service while a planner writes them: each step waits for the one before it. */
export class Draft {
  readonly steps: Step[] = [];
  readonly subject: Subject;
  /** Ids that the next step waits for. */
  #after: readonly string[];

  /** @param after ids of other services' steps that this service's first step waits for */
  constructor(service: Service, after: readonly string[] = []) {
    this.subject = { service: service.name, database: service.database };
    this.#after = after;
  }

  add<K extends StepKind>(kind: K, because: string, fields: Fields<K>, name = ''): void {
    const id = [this.subject.service, kind, name].filter((part) => part !== '').join('/');
    this.steps.push({ id, kind, subject: this.subject, because, after: this.#after, ...fields } as StepOf<K>);
    this.#after = [id];
  }

  /** Takes over another draft's steps of the same service, behind the own ones. */
  append(steps: readonly Step[]): void {
    for (const step of steps) {
      this.steps.push({ ...step, after: this.#after });
      this.#after = [step.id];
    }
  }

  /** Makes the next step wait for these steps too. */
  waitFor(ids: readonly string[]): void {
    this.#after = [...this.#after, ...ids];
  }

  /** Ids of the steps after which all that was drafted so far is done: the last step, or what an empty draft waits for. */
  get done(): readonly string[] {
    return this.#after;
  }
}
