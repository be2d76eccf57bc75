import type { Event } from '../core/event.ts';
import type { StepKind, StepOf } from '../core/plan.ts';

/** The schema of `--output json`: a JSON object a line, `type` and `at` first. Tests hold every line against it. */

/** Type and meaning of a field, as the README shows them. `?`: left out where it is not known. */
export interface FieldDoc {
  readonly type: string;
  readonly meaning: string;
}

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;
/** `subject` is written as two plain fields; `plan` as what it holds. */
type WrittenField<F> = F extends 'subject'
  ? 'service' | 'database'
  : F extends 'plan'
    ? 'goal' | 'steps' | 'refusals'
    : F;

/** The fields of each event beside `type` and `at`: the compiler keeps it complete. */
export const eventFields: {
  readonly [T in Event['type']]: { readonly [F in WrittenField<Exclude<keyof EventOf<T>, 'type'>>]: FieldDoc };
} = {
  'run-started': {
    run: { type: 'string', meaning: 'id of the run; the ledger has it too' },
    command: { type: 'string', meaning: 'up, migrate, …' },
    project: { type: 'string', meaning: 'its name' },
    runtime: { type: 'string?', meaning: 'compose or local' },
    version: { type: 'string', meaning: "orch's" },
  },
  'runtime-noted': {
    runtime: { type: 'string', meaning: 'compose or local' },
    note: { type: 'string', meaning: 'chosen, limits, trouble or already-held' },
    detail: { type: 'string?', meaning: 'in words' },
  },
  'server-started': {
    server: { type: 'string', meaning: 'its name in the config' },
    how: { type: 'string', meaning: 'started or running' },
    duration: { type: 'number', meaning: 'ms' },
  },
  'probe-awaited': {
    server: { type: 'string', meaning: 'its name in the config' },
    probe: { type: 'string', meaning: 'resolve, tcp, login, startup, primary or writable' },
    reason: { type: 'string', meaning: 'what it answered' },
    waited: { type: 'number', meaning: 'ms so far' },
  },
  'server-ready': {
    server: { type: 'string', meaning: 'its name in the config' },
    waited: { type: 'number', meaning: 'ms' },
  },
  'plan-made': {
    goal: { type: 'string', meaning: 'up, migrate or reset' },
    steps: { type: 'Step[]', meaning: 'each after those it waits for' },
    refusals: { type: 'Refusal[]', meaning: 'services that the plan leaves alone' },
  },
  'lock-awaited': {
    service: { type: 'string', meaning: 'its name' },
    database: { type: 'string', meaning: 'its name' },
    holder: { type: 'Holder?', meaning: 'who holds it: pid, application, client, role, since' },
    waited: { type: 'number', meaning: 'ms so far' },
  },
  'step-started': { step: { type: 'Step', meaning: 'as in the plan' } },
  'step-progressed': {
    step: { type: 'Step', meaning: 'as in the plan' },
    done: { type: 'number', meaning: 'so far' },
    total: { type: 'number?', meaning: 'of how many' },
    unit: { type: 'string', meaning: 'rows, statements, …' },
  },
  'step-finished': {
    step: { type: 'Step', meaning: 'as in the plan' },
    duration: { type: 'number', meaning: 'ms' },
    note: { type: 'string?', meaning: 'such as the URL of a service' },
  },
  'step-failed': {
    step: { type: 'Step', meaning: 'as in the plan' },
    failure: { type: 'Failure', meaning: 'why' },
    duration: { type: 'number', meaning: 'ms' },
  },
  'step-skipped': {
    step: { type: 'Step', meaning: 'as in the plan' },
    because: { type: 'string', meaning: 'earlier-failure, fail-fast or interrupted' },
  },
  'notice-received': {
    service: { type: 'string', meaning: 'its name' },
    database: { type: 'string', meaning: 'its name' },
    severity: { type: 'string', meaning: 'NOTICE, WARNING, …; BUILD: a line of an image build' },
    message: { type: 'string', meaning: 'as received' },
  },
  'service-exited': {
    service: { type: 'string', meaning: 'its name' },
    exitCode: { type: 'integer?', meaning: 'undefined: ended by a signal' },
    signal: { type: 'string?', meaning: 'SIGTERM, …' },
  },
  'stop-requested': {
    signal: { type: 'string', meaning: 'SIGINT or SIGTERM' },
    during: { type: 'string', meaning: 'work, or foreground: all is done, and what came up is held' },
  },
};

/** Lines beside the events: `run-finished` ends a run; `run-failed` ends a command that could not run, or broke off. */
export const endFields = {
  'run-finished': {
    command: { type: 'string', meaning: 'up, migrate or reset' },
    exitCode: { type: 'number', meaning: 'what orch ends with' },
    unchanged: { type: 'boolean', meaning: 'true: there was nothing to do' },
    interrupted: { type: 'string?', meaning: 'SIGINT or SIGTERM' },
    duration: { type: 'number', meaning: 'ms' },
    services: {
      type: 'Service[]',
      meaning:
        'service, database, status (done, unchanged, failed, not-started), heads, applied, seeded, url, container, duration',
    },
    failures: { type: 'Failure[]', meaning: 'all of them' },
  },
  'run-failed': { failure: { type: 'Failure', meaning: 'why' } },
} as const satisfies Record<string, Record<string, FieldDoc>>;

/** The answers of commands: one line each; of `logs` one for each line. */
export const answerFields = {
  current: { services: { type: 'Service[]', meaning: 'service, database, heads, appliedAt, applied, failure' } },
  status: { services: { type: 'Service[]', meaning: 'as in current, and pending, container' } },
  plan: {
    goal: { type: 'string', meaning: 'migrate' },
    steps: { type: 'Step[]', meaning: 'each after those it waits for' },
    refusals: { type: 'Refusal[]', meaning: 'service, database, failure, needs' },
  },
  loss: {
    service: { type: 'string', meaning: 'its name' },
    database: { type: 'string', meaning: 'its name' },
    exists: { type: 'boolean', meaning: 'false: there is nothing to lose' },
    tables: { type: 'Table[]', meaning: 'name, rows, exact' },
    size: { type: 'number', meaning: 'bytes' },
    sessions: { type: 'Holder[]', meaning: 'other sessions, which will be ended' },
  },
  stopped: { names: { type: 'string[]', meaning: 'containers or processes' } },
  log: {
    service: { type: 'string', meaning: 'its name' },
    stream: { type: 'string', meaning: 'stdout or stderr' },
    text: { type: 'string', meaning: 'the line' },
  },
} as const satisfies Record<string, Record<string, FieldDoc>>;

type StepField<K extends StepKind> = Exclude<keyof StepOf<K>, 'id' | 'kind' | 'subject' | 'because' | 'after'>;

/** Fields of every `Step`. */
export const stepFields = {
  id: { type: 'string', meaning: 'unique in the plan, such as api-auth/apply/001_users' },
  kind: { type: 'string', meaning: 'what is done' },
  service: { type: 'string', meaning: 'its name' },
  database: { type: 'string', meaning: 'its name' },
  because: { type: 'string', meaning: 'why it is in the plan' },
  after: { type: 'string[]', meaning: 'ids of the steps that it waits for' },
} as const satisfies Record<string, FieldDoc>;

type RevisionWritten<F> = F extends 'revision'
  ? 'revision' | 'revisionKind' | 'file' | 'transaction'
  : F extends 'expected'
    ? never
    : F;

/** Further fields of a `Step`, by its kind. The text of a revision is never written. */
export const stepKindFields: { readonly [K in StepKind]: { readonly [F in RevisionWritten<StepField<K>>]: FieldDoc } } =
  {
    'build-image': {},
    'create-role': { role: { type: 'string', meaning: 'its name' } },
    'create-database': {},
    'drop-database': {},
    'acquire-lock': {},
    'create-extension': {
      extension: { type: 'string', meaning: 'its name' },
      minimumVersion: { type: 'string?', meaning: 'the lowest that serves' },
    },
    'update-extension': {
      extension: { type: 'string', meaning: 'its name' },
      from: { type: 'string', meaning: 'the version now' },
      minimumVersion: { type: 'string', meaning: 'the lowest that serves' },
    },
    'grant-access': { role: { type: 'string', meaning: 'its name' } },
    'create-ledger': {},
    'apply-revision': {
      revision: { type: 'string', meaning: 'its name' },
      revisionKind: { type: 'string', meaning: 'revision or seed' },
      file: { type: 'string', meaning: 'absolute path' },
      transaction: { type: 'string', meaning: 'single or none' },
      resumeAt: { type: 'number', meaning: 'statements of it done before' },
    },
    'release-lock': {},
    'stop-service': {},
    'start-service': { action: { type: 'string', meaning: 'create, recreate or start' } },
    'wait-healthy': {},
  };

/** Fields of every `Failure`. */
export const failureFields = {
  code: { type: 'string', meaning: 'stable, such as sql-failed' },
  exitCode: { type: 'number', meaning: 'what orch ends with for this failure alone' },
  message: { type: 'string', meaning: 'what happened, in words' },
  state: { type: 'string', meaning: 'what the state is now, in words' },
  next: { type: 'string[]', meaning: 'what to type next' },
  details: { type: 'string?', meaning: 'an object whose fields depend on the code' },
  place: { type: 'string?', meaning: 'an object: file, line, column' },
} as const satisfies Record<string, FieldDoc>;
