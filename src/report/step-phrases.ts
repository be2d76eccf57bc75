import type { Step, StepKind, StepOf } from '../core/plan.ts';

/** A step in words. `what` with `done` makes a line: `001_users  applied`. */
export interface StepPhrase {
  /** What it acts on: `001_users`, `role auth_app`, `service`. */
  readonly what: string;
  /** What is to be done, for a plan: `apply 001_users`. */
  readonly todo: string;
  /** While it goes on: `applying`. */
  readonly doing: string;
  /** Afterwards: `applied`. */
  readonly done: string;
  /** False: shown only while it takes time or when it fails; it is no news by itself. */
  readonly news: boolean;
}

type StepPhrases = { readonly [K in StepKind]: (step: StepOf<K>) => StepPhrase };

const phrases: StepPhrases = {
  'build-image': () => verbs('image', 'build', 'building', 'built'),
  'create-role': (step) => verbs(`role ${step.role}`, 'create', 'creating', 'created'),
  'create-database': (step) => verbs(`database ${step.subject.database}`, 'create', 'creating', 'created'),
  'drop-database': (step) => verbs(`database ${step.subject.database}`, 'drop', 'dropping', 'dropped'),
  'acquire-lock': (step) => quiet(verbs(`lock on ${step.subject.database}`, 'acquire', 'acquiring', 'acquired')),
  'create-extension': (step) => verbs(`extension ${step.extension}`, 'create', 'creating', 'created'),
  'update-extension': (step) => {
    const what = `extension ${step.extension}`;
    const todo = `update ${what} from ${step.from} to at least ${step.minimumVersion}`;
    return { ...verbs(what, 'update', 'updating', 'updated'), todo };
  },
  'grant-access': (step) => quiet(verbs(`access of role ${step.role}`, 'grant', 'granting', 'granted')),
  'create-ledger': () => quiet(verbs('ledger', 'create', 'creating', 'created')),
  'apply-revision': applyPhrase,
  'revert-revision': (step) => {
    const what = step.revision.kind === 'seed' ? `seed ${step.revision.name}` : step.revision.name;
    const recorded = step.origin === 'recorded' ? ' with the down text that was recorded' : '';
    const resumed = step.resumeAt > 0 ? `, from statement ${step.resumeAt + 1} on` : '';
    const done = `reverted${recorded}${resumed}`;
    return {
      what,
      todo: `revert ${what}${recorded}${resumed}`,
      doing: `reverting${recorded}${resumed}`,
      done,
      news: true,
    };
  },
  stamp: (step) => {
    const parts = [
      ...(step.add.length === 0 ? [] : [`${step.add.map(({ name }) => name).join(', ')} as applied`]),
      ...(step.remove.length === 0 ? [] : [`${step.remove.join(', ')} as not applied`]),
    ];
    return {
      ...verbs('ledger', 'stamp', 'stamping', 'stamped'),
      todo: `stamp ${parts.join('; ') || 'base'}, without running anything`,
    };
  },
  'accept-revision': (step) => ({
    ...verbs(step.revision, 'accept', 'accepting', 'accepted'),
    todo:
      step.found === undefined
        ? `accept that the file of ${step.revision} is gone`
        : `accept ${step.revision} as its file is now`,
  }),
  'relink-revisions': (step) => ({
    ...quiet(verbs('ledger', 'relink', 'relinking', 'relinked')),
    todo: step.links
      .map(({ revision, parents }) => `record ${revision} behind ${parents.join(' and ') || 'nothing'}`)
      .join(', '),
  }),
  'release-lock': (step) => quiet(verbs(`lock on ${step.subject.database}`, 'release', 'releasing', 'released')),
  'stop-service': () => verbs('service', 'stop', 'stopping', 'stopped'),
  'start-service': (step) => startPhrases[step.action],
  'wait-healthy': () => ({
    ...verbs('service', 'wait', 'waiting until healthy', 'healthy'),
    todo: 'wait until healthy',
  }),
};

const startPhrases: { readonly [A in StepOf<'start-service'>['action']]: StepPhrase } = {
  create: { ...verbs('service', 'start', 'starting', 'started'), todo: 'create and start service' },
  recreate: { ...verbs('service', 'start', 'replacing', 'replaced and started'), todo: 'replace and start service' },
  start: verbs('service', 'start', 'starting', 'started'),
};

function applyPhrase(step: StepOf<'apply-revision'>): StepPhrase {
  const { revision, resumeAt } = step;
  const what = revision.kind === 'seed' ? `seed ${revision.name}` : revision.name;
  const outside = revision.up.transaction === 'none' ? ' outside a transaction' : '';
  const resumed = resumeAt > 0 ? `, from statement ${resumeAt + 1} on` : '';
  return {
    what,
    todo: `apply ${what}${outside}${resumed}`,
    doing: `applying${outside}${resumed}`,
    done: `applied${outside}${resumed}`,
    news: true,
  };
}

function verbs(what: string, todo: string, doing: string, done: string): StepPhrase {
  return { what, todo: `${todo} ${what}`, doing, done, news: true };
}

function quiet(phrase: StepPhrase): StepPhrase {
  return { ...phrase, news: false };
}

/** The words of a step. */
export function phraseStep(step: Step): StepPhrase {
  // The table has an entry of the step's own kind: the compiler can't carry that through the index.
  return (phrases[step.kind] as (s: Step) => StepPhrase)(step);
}
