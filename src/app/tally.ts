import { Failure } from '../core/failure.ts';
import { appliedHeads } from '../core/history.ts';
import type { Observed } from '../core/observed.ts';
import type { Outcome, ServiceOutcome } from '../core/outcome.ts';
import type { Plan, Step } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { RevisionKind } from '../core/revision.ts';
import type { Execution } from '../engine/execute.ts';
import type { Clock } from '../ports/clock.ts';

/** Adds up what the rounds of a run came to, service by service. */
export class Tally {
  readonly #command: string;
  readonly #target: string;
  readonly #services: readonly Service[];
  readonly #clock: Clock;
  readonly #began: number;
  readonly #outcomes = new Map<string, ServiceOutcome>();
  /** A failure that several rounds name is one failure. */
  readonly #failures = new Set<Failure>();
  /** Names of the services for which something was done. */
  readonly #worked = new Set<string>();

  constructor(
    goal: { readonly command: string; readonly target?: string },
    services: readonly Service[],
    clock: Clock,
  ) {
    this.#command = goal.command;
    this.#target = goal.target ?? 'head';
    this.#services = services;
    this.#clock = clock;
    this.#began = clock.now();
  }

  /** Takes in one round. */
  add(observed: Observed, plan: Plan, execution: Execution): void {
    for (const { failure } of plan.refusals) if (failure !== undefined) this.#failures.add(failure);
    for (const { failure } of execution.failures) this.#failures.add(failure);
    for (const service of this.#services) {
      const steps = plan.steps.filter((step) => step.subject.service === service.name);
      if (isWork(steps, execution)) this.#worked.add(service.name);
      const earlier = this.#outcomes.get(service.name);
      const worked = this.#worked.has(service.name);
      this.#outcomes.set(service.name, outcomeOf(service, observed, plan, execution, earlier, worked));
    }
  }

  outcome(signal: AbortSignal): Outcome {
    const reason: unknown = signal.reason;
    const interrupted = reason instanceof Failure && 'signal' in reason.details ? reason.details.signal : undefined;
    return {
      command: this.#command,
      ...(this.#target === 'head' ? {} : { target: this.#target }),
      services: this.#services.flatMap((service) => this.#outcomes.get(service.name) ?? []),
      failures: [...this.#failures].filter((failure) => failure.code !== 'interrupted'),
      unchanged: this.#worked.size === 0 && this.#failures.size === 0,
      interrupted,
      duration: this.#clock.now() - this.#began,
    };
  }
}

function outcomeOf(
  service: Service,
  observed: Observed,
  plan: Plan,
  execution: Execution,
  earlier: ServiceOutcome | undefined,
  isWorked: boolean,
): ServiceOutcome {
  const steps = plan.steps.filter((step) => step.subject.service === service.name);
  const done = steps.filter((step) => execution.results.get(step.id) === 'done');
  const applied = done.flatMap((step) => (step.kind === 'apply-revision' ? [step.revision] : []));
  const namesOf = (kind: RevisionKind): readonly string[] =>
    applied.flatMap((item) => (item.kind === kind ? [item.name] : []));
  const found = observed.services.get(service.name);
  const seen = found === undefined || found instanceof Failure ? undefined : found;
  const worked = steps.reduce((sum, step) => sum + (execution.durations.get(step.id) ?? 0), 0);
  return {
    service: service.name,
    database: service.database,
    status: statusOf(service, steps, plan, execution, isWorked),
    heads: seen === undefined ? undefined : headsAfter(seen.database.ledger?.rows ?? [], done),
    applied: [...(earlier?.applied ?? []), ...namesOf('revision')],
    seeded: [...(earlier?.seeded ?? []), ...namesOf('seed')],
    reverted: [
      ...(earlier?.reverted ?? []),
      ...done.flatMap((step) => (step.kind === 'revert-revision' ? [step.revision.name] : [])),
    ],
    stamped: [...(earlier?.stamped ?? []), ...done.flatMap(stampedBy)],
    url: urlOf(done, execution) ?? seen?.container?.url,
    container: containerOf(done, seen?.container?.state),
    duration: (earlier?.duration ?? 0) + worked,
  };
}

/** What a step wrote into the ledger, or took out of it, without running anything. */
function stampedBy(step: Step): readonly string[] {
  if (step.kind === 'stamp') return [...new Set([...step.remove, ...step.add.map(({ name }) => name)])];
  return step.kind === 'accept-revision' ? [step.revision] : [];
}

function statusOf(
  service: Service,
  steps: readonly Step[],
  plan: Plan,
  execution: Execution,
  isWorked: boolean,
): ServiceOutcome['status'] {
  const results = steps.map((step) => execution.results.get(step.id));
  const refusal = plan.refusals.find(({ subject }) => subject.service === service.name);
  if (refusal !== undefined) return refusal.failure === undefined ? 'not-started' : 'failed';
  if (results.includes('failed')) return 'failed';
  // A downgrade is refused as a whole: the others had something to do, and nobody did it.
  if (plan.goal === 'downgrade' && plan.refusals.length > 0) return 'not-started';
  if (results.includes('skipped') || results.includes('stale')) return 'not-started';
  return isWorked ? 'done' : 'unchanged';
}

/** Of these steps, what a round made that turned out stale is another orch's work as likely as ours: both found it missing. */
const SHARED: ReadonlySet<Step['kind']> = new Set(['create-role', 'create-database', 'acquire-lock']);

function isWork(steps: readonly Step[], execution: Execution): boolean {
  const isStale = steps.some((step) => execution.results.get(step.id) === 'stale');
  return steps.some((step) => execution.results.get(step.id) === 'done' && !(isStale && SHARED.has(step.kind)));
}

type Row = Parameters<typeof appliedHeads>[0][number];

/** The heads that the done steps have left, one after the other. */
function headsAfter(rows: readonly Row[], done: readonly Step[]): readonly string[] {
  const held = new Map<string, Row>();
  const put = ({ kind, name, parents }: Pick<Row, 'kind' | 'name' | 'parents'>): void => {
    if (kind === 'revision') held.set(name, { kind, name, parents, state: 'applied' });
  };
  for (const row of rows) if (row.state === 'applied') put(row);
  for (const step of done) {
    if (step.kind === 'drop-database') held.clear();
    for (const name of takenOutBy(step)) held.delete(name);
    for (const row of putInBy(step)) put(row);
  }
  return appliedHeads([...held.values()]);
}

function takenOutBy(step: Step): readonly string[] {
  if (step.kind === 'stamp') return step.remove;
  return step.kind === 'revert-revision' && step.revision.kind === 'revision' ? [step.revision.name] : [];
}

function putInBy(step: Step): readonly Pick<Row, 'kind' | 'name' | 'parents'>[] {
  if (step.kind === 'apply-revision') return [step.revision];
  if (step.kind === 'stamp') return step.add;
  if (step.kind === 'accept-revision') return step.found === undefined ? [] : [step.found];
  if (step.kind !== 'relink-revisions') return [];
  return step.links.map(({ revision, parents }) => ({ kind: 'revision', name: revision, parents }));
}

function urlOf(done: readonly Step[], execution: Execution): string | undefined {
  const healthy = done.find((step) => step.kind === 'wait-healthy');
  return healthy === undefined ? undefined : execution.notes.get(healthy.id);
}

function containerOf(done: readonly Step[], state: string | undefined): ServiceOutcome['container'] {
  if (state === undefined) return undefined;
  if (done.some((step) => step.kind === 'start-service')) return 'started';
  return state === 'running' ? 'running' : 'untouched';
}
