import { Failure } from '../failure.ts';
import type { Observed, ObservedService } from '../observed.ts';
import type { Plan, Refusal, Step } from '../plan.ts';
import type { Service } from '../project.ts';
import { orderByNeeds } from '../service-graph.ts';
import { planContainer } from './containers.ts';
import { Draft } from './draft.ts';
import { linkRequirements } from './requirements.ts';
import { type History, planUpgrade, type UpgradeOptions } from './upgrade.ts';

export interface PlanRequest {
  readonly goal: 'up' | 'migrate';
  readonly services: readonly Service[];
  readonly target: string;
  /** By service name; a failure stands for files that could not be read. */
  readonly histories: ReadonlyMap<string, History | Failure>;
  /** Services outside this run that are looked at because a revision requires one of theirs; absent: none. */
  readonly others?: readonly Service[];
  readonly options?: UpgradeOptions;
}

/**
 * The plan for several services: each database to its target, in parallel except where a service needs another;
 * for `up` then each container, in need order. A service that can't be planned is refused, and with it those that need it.
 */
export function planProject(request: PlanRequest, observed: Observed): Plan {
  const services = orderByNeeds(request.services);
  const others = request.others ?? [];
  const forced = new Map<string, Refusal>();
  for (;;) {
    const { steps, refusals } = planServices({ ...request, services }, observed, forced);
    const refused = new Set(refusals.map(({ subject }) => subject.service));
    const linked = linkRequirements({ services, others, histories: request.histories, observed, refused }, steps);
    if ('steps' in linked) return { goal: request.goal, steps: linked.steps, refusals };
    // Without those services others may lack what they require: so all of it once more. Each round leaves out one at least.
    for (const refusal of linked.refusals) forced.set(refusal.subject.service, refusal);
  }
}

/** @param forced services that are left alone whatever their own state is, by name */
function planServices(
  request: PlanRequest,
  observed: Observed,
  forced: ReadonlyMap<string, Refusal>,
): Pick<Plan, 'steps' | 'refusals'> {
  const planned = new Map<string, ServicePlan>();
  const refusals: Refusal[] = [];
  const steps: Step[] = [];
  for (const service of request.services) {
    const refusal = forced.get(service.name) ?? planService(request, service, observed, planned, refusals);
    if (refusal === undefined) steps.push(...(planned.get(service.name)?.steps ?? []));
    else refusals.push(refusal);
  }
  return { steps, refusals };
}

/** Ids of steps of this service or, where it has none, of those that it needs. */
interface ServicePlan {
  readonly steps: readonly Step[];
  /** The steps after which the database and those it builds on are done. */
  readonly databaseDone: readonly string[];
  /** The steps after which the service is healthy. */
  readonly healthy: readonly string[];
}

function planService(
  request: PlanRequest,
  service: Service,
  observed: Observed,
  planned: Map<string, ServicePlan>,
  refusals: readonly Refusal[],
): Refusal | undefined {
  const subject = { service: service.name, database: service.database };
  const refused = service.needs.find((need) => refusals.some((refusal) => refusal.subject.service === need));
  if (refused !== undefined) return { subject, failure: undefined, needs: refused };
  const found = observed.services.get(service.name);
  const history = request.histories.get(service.name);
  if (found === undefined || history === undefined) throw new TypeError(`${service.name} was not observed`);
  if (history instanceof Failure) return { subject, failure: history, needs: undefined };
  if (found instanceof Failure) return { subject, failure: found, needs: undefined };
  try {
    planned.set(service.name, draftService(request, service, found, history, planned));
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return { subject, failure: error, needs: undefined };
    throw error;
  }
}

function draftService(
  request: PlanRequest,
  service: Service,
  found: ObservedService,
  history: History,
  planned: ReadonlyMap<string, ServicePlan>,
): ServicePlan {
  const needs = service.needs.flatMap((need) => planned.get(need) ?? []);
  const draft = new Draft(
    service,
    needs.flatMap((need) => need.databaseDone),
  );
  const container = request.goal === 'up' ? found.container : undefined;
  if (container?.imageMissing) draft.add('build-image', 'its image is to be built or pulled', {});
  planUpgrade(draft, service, found.database, history, request.target, request.options);
  const databaseDone = draft.done;
  const neededHealthy = needs.flatMap((need) => need.healthy);
  if (container === undefined) return { steps: draft.steps, databaseDone, healthy: neededHealthy };
  // A container made from the old image is replaced; whether the build changed anything is known only then.
  const { imageMissing } = container;
  planContainer(draft, imageMissing ? { ...container, upToDate: false } : container, neededHealthy);
  const last = draft.steps.at(-1);
  return { steps: draft.steps, databaseDone, healthy: last?.kind === 'wait-healthy' ? [last.id] : neededHealthy };
}
