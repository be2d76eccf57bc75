import type { Failure } from './failure.ts';
import type { Revision } from './revision.ts';

/** What a step acts on. */
export interface Subject {
  readonly service: string;
  readonly database: string;
}

interface StepBase {
  /** Unique within the plan, such as `api-auth/apply/001_users`. */
  readonly id: string;
  readonly subject: Subject;
  /** Why the step is in the plan. */
  readonly because: string;
  /** Ids of the steps that must have succeeded before. */
  readonly after: readonly string[];
}

/** The atoms of a plan. A new kind is made complete by the compiler in `engine/steps.ts` and `report/phrases.ts`. */
export type Step =
  | (StepBase & { readonly kind: 'build-image' })
  | (StepBase & { readonly kind: 'create-role'; readonly role: string })
  | (StepBase & { readonly kind: 'create-database' })
  | (StepBase & { readonly kind: 'drop-database' })
  | (StepBase & { readonly kind: 'acquire-lock'; readonly expected: string })
  | (StepBase & {
      readonly kind: 'create-extension';
      readonly extension: string;
      readonly minimumVersion: string | undefined;
    })
  | (StepBase & {
      readonly kind: 'update-extension';
      readonly extension: string;
      readonly from: string;
      readonly minimumVersion: string;
    })
  | (StepBase & { readonly kind: 'grant-access'; readonly role: string })
  | (StepBase & { readonly kind: 'create-ledger' })
  | (StepBase & { readonly kind: 'apply-revision'; readonly revision: Revision; readonly resumeAt: number })
  | (StepBase & { readonly kind: 'release-lock' })
  | (StepBase & { readonly kind: 'stop-service' })
  | (StepBase & { readonly kind: 'start-service'; readonly action: 'create' | 'recreate' | 'start' })
  | (StepBase & { readonly kind: 'wait-healthy' });

export type StepKind = Step['kind'];
export type StepOf<K extends StepKind> = Extract<Step, { kind: K }>;

/** A service that the plan leaves alone, and why: its own history or prerequisites forbid it, or it needs a service that is refused. */
export interface Refusal {
  readonly subject: Subject;
  readonly failure: Failure | undefined;
  /** The refused service that this one needs; undefined where the fault is its own. */
  readonly needs: string | undefined;
}

export interface Plan {
  readonly goal: 'up' | 'migrate' | 'reset';
  /** In an order in which every step comes after those it waits for. */
  readonly steps: readonly Step[];
  readonly refusals: readonly Refusal[];
}

const details: { readonly [K in StepKind]?: (step: StepOf<K>) => string } = {
  'create-role': (step) => step.role,
  'create-extension': (step) => step.extension,
  'update-extension': (step) => `${step.extension} from ${step.from} to at least ${step.minimumVersion}`,
  'grant-access': (step) => step.role,
  'apply-revision': (step) =>
    `${step.revision.name}${step.revision.kind === 'seed' ? ' (seed)' : ''}${step.revision.up.transaction === 'none' ? ' (outside a transaction)' : ''}`,
  'start-service': (step) => (step.action === 'start' ? '' : step.action),
};

/**
 * One step as one line, without a line end: what planner tests compare.
 * `api-auth/authdb  apply-revision 001_users  because it is pending`
 * @internal
 */
export function formatStep(step: Step): string {
  const detail = (details[step.kind] as ((s: Step) => string) | undefined)?.(step) ?? '';
  const what = detail === '' ? step.kind : `${step.kind} ${detail}`;
  return `${step.subject.service}/${step.subject.database}  ${what}  because ${step.because}`;
}
