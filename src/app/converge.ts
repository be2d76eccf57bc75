import { Failure } from '../core/failure.ts';
import type { Observed } from '../core/observed.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import { execute } from '../engine/execute.ts';
import type { TargetSessions } from '../engine/target-sessions.ts';
import type { Run } from '../ports/run.ts';
import { Tally } from './tally.ts';
import { warnOfOwners } from './warn-of-owners.ts';

/** How often a plan may turn out stale before orch gives up: each time, another orch has changed a database in between. */
const ROUNDS = 5;

export interface Goal {
  readonly command: string;
  /** What the databases are brought to; absent: `head`. */
  readonly target?: string;
  readonly services: readonly Service[];
  observe(): Promise<Observed>;
  plan(observed: Observed): Plan;
  readonly failFast: boolean;
  /** False: what was asked for was relative to what was there, or approved as it was: a stale plan is a failure. */
  readonly mayReplan?: boolean;
}

/** Observe, plan, execute, and once more where somebody else was faster: until the plan that was executed was no stale one. */
export async function converge(run: Run, sessions: TargetSessions, goal: Goal): Promise<Outcome> {
  const tally = new Tally(goal, goal.services, run.ports.clock);
  const failed = new Map<string, Failure>();
  for (let round = 0; round < ROUNDS; round += 1) {
    const observed = withFailed(await goal.observe(), failed);
    run.signal.throwIfAborted();
    const plan = goal.plan(observed);
    run.ports.emit({ type: 'plan-made', plan });
    if (round === 0) warnOfOwners(run, plan, goal.services);
    const planned = new Set(plan.steps.map(({ subject }) => subject.service));
    const [execution] = await Promise.all([
      execute(run, sessions, plan, { failFast: goal.failFast }),
      sessions.closeOthers(planned),
    ]);
    tally.add(observed, plan, execution);
    for (const { step, failure } of execution.failures) failed.set(step.subject.service, failure);
    if (!execution.stale || run.signal.aborted) return tally.outcome(run.signal);
    if (goal.mayReplan === false) break;
  }
  throw new Failure('observed-changed', { service: goal.services.map((service) => service.name).join(', ') });
}

/** What has failed in this run is not tried again in its next round. */
function withFailed(observed: Observed, failed: ReadonlyMap<string, Failure>): Observed {
  return { services: new Map([...observed.services, ...failed]) };
}
