import type { Observed } from '../core/observed.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Plan } from '../core/plan.ts';
import { planAccept } from '../core/planners/accept.ts';
import { planStamp } from '../core/planners/stamp.ts';
import type { Service } from '../core/project.ts';
import { observe } from '../engine/observe.ts';
import { TargetSessions } from '../engine/target-sessions.ts';
import type { Run } from '../ports/run.ts';
import { converge } from './converge.ts';
import { loadHistories } from './histories.ts';
import type { Histories } from './related-services.ts';
import { selectServices } from './select-services.ts';
import { startServers } from './servers.ts';

export interface StampRequest {
  /** Empty: all services. */
  readonly services: readonly string[];
  /** As `resolveTarget` takes it. */
  readonly target: string;
  /** Write every row anew, whatever the ledger says now. */
  readonly purge: boolean;
  /** Goes into the ledger and its log. */
  readonly reason: string | undefined;
}

export interface AcceptRequest {
  /** Empty: all services that have the revision. */
  readonly services: readonly string[];
  readonly revision: string;
  /** Goes into the ledger and its log. */
  readonly reason: string;
}

/**
 * Has the ledgers of these services say what the target holds; runs no revision.
 * @throws Failure `service-unknown`, `observed-changed`; what befalls a single service is in the outcome
 */
export async function stamp(run: Run, request: StampRequest): Promise<Outcome> {
  const { target, purge, reason } = request;
  return await writeLedgers(run, 'stamp', request.services, (services, histories, observed) =>
    planStamp({ services, target, purge, reason, histories }, observed),
  );
}

/**
 * Has the ledgers take over that the file of a revision has changed or is gone; runs no revision.
 * @throws Failure `service-unknown`, `observed-changed`; what befalls a single service is in the outcome
 */
export async function accept(run: Run, request: AcceptRequest): Promise<Outcome> {
  const { revision, reason } = request;
  return await writeLedgers(run, 'accept', request.services, (services, histories, observed) =>
    planAccept({ services, revision, reason, histories }, observed),
  );
}

async function writeLedgers(
  run: Run,
  command: 'stamp' | 'accept',
  names: readonly string[],
  plan: (services: readonly Service[], histories: Histories, observed: Observed) => Plan,
): Promise<Outcome> {
  const services = selectServices(run.project, names);
  if (run.ports.runtime?.kind === 'local') await startServers(run, services);
  const sessions = new TargetSessions(run);
  try {
    const histories = await loadHistories(run.ports.revisions, run.project, services);
    return await converge(run, sessions, {
      command,
      services,
      observe: () => observe(run, sessions, services, { containers: false, wait: true }),
      plan: (observed) => plan(services, histories, observed),
      failFast: false,
      mayReplan: false,
    });
  } finally {
    await sessions.close();
  }
}
