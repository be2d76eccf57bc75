import { Failure, isFailure } from '../core/failure.ts';
import { type OfflineStart, offlineObserved } from '../core/offline-observed.ts';
import type { Plan, Step } from '../core/plan.ts';
import { planDowngrade } from '../core/planners/downgrade.ts';
import { planProject } from '../core/planners/project-plan.ts';
import { type History, historyOf } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import { type RevisionRange, resolveRange } from '../core/revision-range.ts';
import { type OfflineWork, requireWhole, writeStep } from '../engine/offline-steps.ts';
import type { Run } from '../ports/run.ts';
import { loadWithRequired, type Related } from './related-services.ts';
import { selectServices } from './select-services.ts';

export interface OfflineRequest {
  /** Empty: all services. */
  readonly services: readonly string[];
  /** `a:b`, or where the script shall lead to, from base (from the heads, downwards); undefined: all the way. */
  readonly range: string | undefined;
  readonly downgrade: boolean;
}

/**
 * What `migrate` (or `downgrade`) would send, as a script for psql, in pieces; nothing is connected to. The planners are
 * the same; what they are told is there is what the range begins at.
 * @throws Failure `service-unknown`, `usage-invalid`, and those of the planners and of the files
 */
export async function* offlineScript(run: Run, request: OfflineRequest): AsyncGenerator<string> {
  const services = selectServices(run.project, request.services);
  requireOneServer(services);
  const related = await loadWithRequired(run, services);
  const makesDatabase = services.length > 1;
  const starts = services.map((service) => startOf(request, service, requireHistory(related, service), makesDatabase));
  const others = related.others.map((service) => {
    const history = requireHistory(related, service);
    return { service, history, applied: history.graph.ordered, seeds: [], makesDatabase: false };
  });
  const plan = makePlan(request, starts, others, related);
  requireWhole(plan.refusals);
  yield* writeScript(run, request, starts, plan, related.others);
}

/** Databases of several servers cannot be reached by one script. */
function requireOneServer(services: readonly Service[]): void {
  const servers = new Set(services.map(({ server }) => `${server.host}:${server.port}`));
  if (servers.size <= 1) return;
  const names = services.map(({ name }) => name).join(', ');
  throw new Failure('usage-invalid', {
    message: `${names} are on different servers: make a script each, with --service`,
  });
}

function requireHistory({ histories }: Related, service: Service): History {
  const history = histories.get(service.name);
  if (history === undefined) throw new TypeError(`the files of ${service.name} were not read`);
  if (history instanceof Failure) throw history;
  return history;
}

interface Start extends OfflineStart {
  readonly range: RevisionRange;
}

function startOf(request: OfflineRequest, service: Service, history: History, makesDatabase: boolean): Start {
  const range = rangeOf(request, service, history);
  const common = { service, history, makesDatabase, range };
  if (!request.downgrade) return { ...common, applied: range.below, seeds: [] };
  // Whether seeds were applied is asked where the script runs.
  return { ...common, applied: [...range.below, ...range.between], seeds: history.seeds };
}

/** Of a downgrade, the upper end comes first, as one goes; the other way round can mean nothing else. */
function rangeOf(
  { range = '', downgrade }: OfflineRequest,
  { name: service }: Service,
  { graph }: History,
): RevisionRange {
  const place = { service, graph, applied: undefined };
  if (!downgrade) return resolveRange(place, range);
  const colon = graph.byName.has(range) ? -1 : range.indexOf(':');
  const from = colon < 0 ? 'heads' : range.slice(0, colon) || 'heads';
  const to = colon < 0 ? range || 'base' : range.slice(colon + 1) || 'base';
  try {
    return resolveRange(place, `${to}:${from}`);
  } catch (error) {
    if (!isFailure(error, 'range-invalid')) throw error;
    return resolveRange(place, `${from}:${to}`);
  }
}

function makePlan(
  { downgrade }: OfflineRequest,
  starts: readonly Start[],
  others: readonly OfflineStart[],
  { histories }: Related,
): Plan {
  const observed = offlineObserved([...starts, ...others]);
  const services = starts.map(({ service }) => service);
  const outside = others.map(({ service }) => service);
  if (!downgrade) {
    const wanted = new Map([
      ...histories,
      ...starts.map((start) => [start.service.name, wantedHistory(start)] as const),
    ]);
    return planProject({ goal: 'migrate', services, target: 'heads', histories: wanted, others: outside }, observed);
  }
  const plans = starts.map(({ service, range }) => {
    const kept = new Map([...histories]);
    const target = range.below.length === 0 ? 'base' : targetOf(range);
    return planDowngrade(
      { services: [service], target, histories: kept, others: [], recorded: new Map(), tables: new Map() },
      observed,
    );
  });
  return {
    goal: 'downgrade',
    steps: plans.toReversed().flatMap(({ steps }) => steps),
    refusals: plans.flatMap(({ refusals }) => refusals),
  };
}

/** The history as it is where the range ends: what lies beyond is none of the plan's business. */
function wantedHistory({ range, history }: Start): History {
  const wanted = [...range.below, ...range.between];
  return historyOf(wanted, wanted.length === history.graph.ordered.length ? history.seeds : []);
}

/** The only revision at the lower end. */
function targetOf({ below, shown }: RevisionRange): string {
  const tips = below.filter((revision) => shown.includes(revision));
  const [tip] = tips;
  if (tip !== undefined && tips.length === 1) return tip.name;
  throw new Failure('usage-invalid', { message: 'a downgrade ends at base or at one revision' });
}

async function* writeScript(
  run: Run,
  request: OfflineRequest,
  starts: readonly Start[],
  plan: Plan,
  others: readonly Service[],
): AsyncGenerator<string> {
  const sql = run.ports.offline;
  const writer = sql.writer(contentsOf(plan), run.writer.version);
  yield headline(run, request, starts, others);
  yield sql.opening();
  let connected: string | undefined;
  for (const step of plan.steps) {
    const start = starts.find(({ service }) => service.name === step.subject.service);
    if (start === undefined) throw new TypeError(`the plan names ${step.subject.service}, which is not in the script`);
    const { service } = start;
    yield `\n-- ${titleOf(step)}\n`;
    if (connected !== service.name && worksInDatabase(step)) {
      if (starts.length > 1) yield sql.connect(service.database);
      yield sql.session(service);
      connected = service.name;
    }
    const expected = start.applied.map(({ name, up }) => ({ name, checksum: up.checksum }));
    const mayHaveSeeds = start.applied.length > 0;
    yield* writeStep(step, { run, sql, writer, service, expected, mayHaveSeeds } satisfies OfflineWork);
  }
}

function worksInDatabase({ kind }: Step): boolean {
  return kind !== 'create-role' && kind !== 'create-database';
}

/** What the script does, as a text that is another one where it does something else. */
function contentsOf({ goal, steps }: Plan): string {
  const lines = steps.map((step) => {
    if (step.kind !== 'apply-revision' && step.kind !== 'revert-revision') return step.id;
    const { up, down, values } = step.revision;
    return [step.id, up.checksum, down?.checksum ?? '', JSON.stringify(values ?? {})].join(' ');
  });
  return [goal, ...lines].join('\n');
}

function headline(run: Run, request: OfflineRequest, starts: readonly Start[], others: readonly Service[]): string {
  const lines = starts.map(({ service, range }) => {
    const from = range.below.at(-1)?.name ?? 'base';
    const to = range.between.at(-1)?.name ?? from;
    return `${service.name}: ${request.downgrade ? `${to} down to ${from}` : `${from} to ${to}`}, in ${service.database}, as ${service.owner.role}`;
  });
  const needs = others.map(
    ({ name }) => `Requires revisions of ${name}, in another database: they are not checked here.`,
  );
  const how =
    starts.length > 1
      ? 'psql -f <this file>, connected to any database of the server as a superuser'
      : `psql -f <this file>, connected to ${starts[0]?.service.database ?? ''}`;
  const all = [
    `Made by orch ${run.writer.version} of project ${run.project.name}. Run it with: ${how}`,
    ...lines,
    ...needs,
  ];
  return all.map((line) => `-- ${line.replaceAll(/[\r\n]/g, ' ')}\n`).join('');
}

function titleOf(step: Step): string {
  const what = step.kind === 'apply-revision' || step.kind === 'revert-revision' ? ` ${step.revision.name}` : '';
  return `${step.subject.service}: ${step.kind.replaceAll('-', ' ')}${what.replaceAll(/[\r\n]/g, ' ')}`;
}
