import { Failure, isFailure } from '../failure.ts';
import { appliedNames } from '../history.ts';
import { findNearestSome } from '../nearest.ts';
import type { LedgerRow, Observed } from '../observed.ts';
import type { Refusal, Step, StepOf } from '../plan.ts';
import type { Service } from '../project.ts';
import type { Requirement } from '../revision.ts';
import { findRevision } from '../revision-reference.ts';
import { chainLocks, mergeWaits, orderSteps } from './step-order.ts';
import type { History } from './upgrade.ts';

/** What the revisions of other services are looked up in. */
export interface RequirementContext {
  /** Those of this run, in the order of their needs. */
  readonly services: readonly Service[];
  /** Those that are only looked at, because a revision requires one of theirs. */
  readonly others: readonly Service[];
  /** By service name. */
  readonly histories: ReadonlyMap<string, History | Failure>;
  readonly observed: Observed;
  /** Names of services that are left alone. */
  readonly refused: ReadonlySet<string>;
}

export type Linked = { readonly steps: readonly Step[] } | { readonly refusals: readonly Refusal[] };

/**
 * Makes each revision wait for the revisions of other services that it requires.
 * @returns the steps in an order in which each comes after those it waits for; or the services whose requirements
 * nothing in this run meets, or that wait for each other
 */
export function linkRequirements(context: RequirementContext, steps: readonly Step[]): Linked {
  const requiring = steps.filter(isRequiring);
  if (requiring.length === 0) return { steps };
  const ids = new Set(steps.map(({ id }) => id));
  const waits = new Map<string, readonly string[]>();
  const refusals = new Map<string, Refusal>();
  for (const step of requiring) {
    const found = step.revision.requires.map((required) => resolveRequirement(context, ids, step, required));
    waits.set(
      step.id,
      found.flatMap((one) => ('wait' in one ? [one.wait] : [])),
    );
    const refusal = found.find((one) => 'subject' in one);
    if (refusal !== undefined && !refusals.has(step.subject.service)) refusals.set(step.subject.service, refusal);
  }
  if (refusals.size > 0) return { refusals: [...refusals.values()] };
  const coupled = new Set([...waits].flatMap(([id, before]) => [id, ...before]).map(serviceOf));
  const names = context.services.map(({ name }) => name).filter((name) => coupled.has(name));
  const ordered = orderSteps(steps, mergeWaits(waits, chainLocks(steps, names)));
  return 'steps' in ordered ? ordered : { refusals: refuseCycle(steps, ordered.cycle) };
}

type ApplyStep = StepOf<'apply-revision'>;

function isRequiring(step: Step): step is ApplyStep {
  return step.kind === 'apply-revision' && step.revision.requires.length > 0;
}

type Resolved = { readonly met: true } | { readonly wait: string } | Refusal;

function resolveRequirement(
  context: RequirementContext,
  ids: ReadonlySet<string>,
  step: ApplyStep,
  required: Requirement,
): Resolved {
  const { subject } = step;
  const unmet = (why: Unmet, candidates: readonly string[] = []): Refusal => {
    const requires = `${required.service}@${required.revision}`;
    const details = { ...subject, revision: step.revision.name, requires, why, candidates };
    const at = { file: step.revision.up.file, line: undefined, column: undefined };
    return { subject, failure: new Failure('requirement-unmet', details, { at }), needs: undefined };
  };
  const isSelected = context.services.some(({ name }) => name === required.service);
  const history = context.histories.get(required.service);
  if (!isSelected && !context.others.some(({ name }) => name === required.service)) {
    return unmet('unknown-service', findNearestSome(required.service, [...context.histories.keys()]));
  }
  const rows = rowsOf(context.observed, required.service);
  if (history === undefined || history instanceof Failure || rows === undefined) {
    return isSelected ? { subject, failure: undefined, needs: required.service } : unmet('not-observed');
  }
  const found = findRequired(required, history, rows);
  if ('why' in found) return unmet(found.why, found.candidates);
  if (appliedNames(rows).has(found.name)) return { met: true };
  const wait = `${required.service}/apply-revision/revision/${found.name}`;
  if (ids.has(wait)) return { wait };
  if (!isSelected) return unmet('not-selected');
  return context.refused.has(required.service)
    ? { subject, failure: undefined, needs: required.service }
    : unmet('not-in-target');
}

type Unmet = Failure<'requirement-unmet'>['details']['why'];

function findRequired(
  required: Requirement,
  history: History,
  rows: readonly LedgerRow[],
): { readonly name: string } | { readonly why: Unmet; readonly candidates: readonly string[] } {
  try {
    const found = findRevision(required.service, history.graph, required.revision);
    if (found !== undefined) return found;
  } catch (error) {
    if (!isFailure(error, 'revision-ambiguous')) throw error;
    return { why: 'ambiguous', candidates: error.details.candidates };
  }
  // Its file may be gone; that it is applied is enough.
  const row = rows.find(({ name, id }) => name === required.revision || id === required.revision);
  if (row !== undefined) return row;
  return { why: 'unknown-revision', candidates: findNearestSome(required.revision, [...history.graph.byName.keys()]) };
}

function rowsOf(observed: Observed, service: string): readonly LedgerRow[] | undefined {
  const found = observed.services.get(service);
  if (found === undefined || found instanceof Failure) return undefined;
  return found.database.ledger?.rows ?? [];
}

function serviceOf(id: string): string {
  return id.slice(0, id.indexOf('/'));
}

/** All services of the cycle are left alone. The path names revisions, and services where one needs the other as a whole. */
export function refuseCycle(steps: readonly Step[], cycle: readonly string[]): readonly Refusal[] {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const named = cycle.map((id) => {
    const step = byId.get(id);
    return step !== undefined && 'revision' in step && typeof step.revision !== 'string'
      ? `${step.subject.service}@${step.revision.name}`
      : serviceOf(id);
  });
  // A step waits for the next one of the path; what a service does besides its revisions adds nothing.
  const told = named
    .filter((name, at) => name !== named[at - 1])
    .filter((name, at, all) => {
      const [before = '', after = ''] = [all[at - 1], all[at + 1]];
      return name.includes('@') || !(before.startsWith(`${name}@`) || after.startsWith(`${name}@`));
    });
  const path = told.at(0) === told.at(-1) ? told : [...told, told[0] ?? ''];
  const subjects = new Map(
    cycle.flatMap((id) => byId.get(id)?.subject ?? []).map((subject) => [subject.service, subject]),
  );
  return Array.from(subjects.values(), (subject) => ({
    subject,
    failure: new Failure('requirement-cycle', { ...subject, path }),
    needs: undefined,
  }));
}
