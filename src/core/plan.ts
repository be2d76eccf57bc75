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

/** Data that a down text takes away, as far as it can be read from the text and the catalog. */
export interface Drop {
  readonly what: 'table' | 'column' | 'rows';
  readonly table: string;
  /** Where `what` is `column`. */
  readonly column: string | undefined;
  /** Rows of the table now; undefined: there is no such table now. */
  readonly rows: number | undefined;
  /** False: the planner's estimate. */
  readonly exact: boolean;
}

/** An applied revision whose parents are other ones since a revision came in below it. */
export interface Link {
  readonly revision: string;
  readonly parents: readonly string[];
  /** Names among `parents` that were applied after it. */
  readonly late: readonly string[];
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
  | (StepBase & {
      readonly kind: 'apply-revision';
      readonly revision: Revision;
      /** Statements of it done before, where it runs outside a transaction. */
      readonly resumeAt: number;
      /** Why it cannot go on there: known to be so only behind the lock, while nobody else is at it. */
      readonly unclear?: Failure | undefined;
    })
  | (StepBase & {
      readonly kind: 'revert-revision';
      /** Its `down` is the very text that is run; undefined for a seed that is only forgotten. */
      readonly revision: Revision;
      /** Where the text comes from: the file, or the ledger because the file was changed or is gone. */
      readonly origin: 'file' | 'recorded';
      /** Statements of it done before, where it runs outside a transaction. */
      readonly resumeAt: number;
      /** As of `apply-revision`. */
      readonly unclear?: Failure | undefined;
      readonly drops: readonly Drop[];
    })
  | (StepBase & {
      readonly kind: 'stamp';
      /** Written as applied, without running them, parents first. */
      readonly add: readonly Revision[];
      /** Names of rows that are taken out. */
      readonly remove: readonly string[];
      readonly reason: string | undefined;
    })
  | (StepBase & {
      readonly kind: 'accept-revision';
      readonly revision: string;
      /** What the ledger takes over; undefined: the file is gone, and that is accepted. */
      readonly found: Revision | undefined;
      readonly reason: string;
    })
  | (StepBase & { readonly kind: 'relink-revisions'; readonly links: readonly Link[] })
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
  readonly goal: 'up' | 'migrate' | 'reset' | 'downgrade' | 'stamp' | 'accept';
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
  'revert-revision': (step) =>
    [
      step.revision.name,
      ...(step.revision.kind === 'seed' ? ['(seed)'] : []),
      ...(step.origin === 'recorded' ? ['(as recorded)'] : []),
      ...(step.revision.down?.transaction === 'none' ? ['(outside a transaction)'] : []),
      ...step.drops.map(formatDrop),
    ].join(' '),
  stamp: (step) => [...step.add.map(({ name }) => `+${name}`), ...step.remove.map((name) => `-${name}`)].join(' '),
  'accept-revision': (step) => `${step.revision}${step.found === undefined ? ' (file gone)' : ''}`,
  'relink-revisions': (step) =>
    step.links.map(({ revision, parents }) => `${revision} behind ${parents.join(' and ')}`).join(', '),
  'start-service': (step) => (step.action === 'start' ? '' : step.action),
};

function formatDrop({ what, table, column, rows, exact }: Drop): string {
  const name = column === undefined ? table : `${table}.${column}`;
  return `[drops ${what} ${name}: ${rows === undefined ? 'not there' : `${exact ? '' : 'about '}${rows} rows`}]`;
}

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
