import type { HistoryEntry } from '../core/answers/history.ts';
import type { ShownRevision } from '../core/answers/shown.ts';
import type { Event } from '../core/event.ts';
import type { Finding } from '../core/findings.ts';
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
    goal: { type: 'string', meaning: 'up, migrate, reset, downgrade, stamp, baseline or accept' },
    steps: { type: 'Step[]', meaning: 'each after those it waits for' },
    refusals: { type: 'Refusal[]', meaning: 'services that the plan leaves alone' },
  },
  'lock-awaited': {
    service: { type: 'string', meaning: 'its name' },
    database: { type: 'string', meaning: 'its name' },
    holder: {
      type: 'Holder?',
      meaning:
        'who holds it: pid, application, client, role, since, silent (ms; left out: it works, or that is not ours to see)',
    },
    waited: { type: 'number', meaning: 'ms so far' },
  },
  'revision-blocked': {
    step: { type: 'Step', meaning: 'as in the plan' },
    blockers: {
      type: 'Blocker[]',
      meaning: 'who is in the way: pid (0: a prepared transaction), application, client, role, since, state, query',
    },
    waited: { type: 'number', meaning: 'ms so far' },
    retry: { type: 'Retry?', meaning: 'sqlstate, tries (so far), pause and left (ms); left out: it still waits' },
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
    command: { type: 'string', meaning: 'up, migrate, reset, downgrade, stamp or accept' },
    exitCode: { type: 'number', meaning: 'what orch ends with' },
    unchanged: { type: 'boolean', meaning: 'true: there was nothing to do' },
    interrupted: { type: 'string?', meaning: 'SIGINT or SIGTERM' },
    duration: { type: 'number', meaning: 'ms' },
    services: {
      type: 'Service[]',
      meaning:
        'service, database, status (done, unchanged, failed, not-started), heads, applied, seeded, reverted, stamped, url, container, duration',
    },
    failures: { type: 'Failure[]', meaning: 'all of them' },
  },
  'run-failed': { failure: { type: 'Failure', meaning: 'why' } },
} as const satisfies Record<string, Record<string, FieldDoc>>;

/** The answers of commands: one line each; of `logs` one for each line. */
export const answerFields = {
  current: {
    services: {
      type: 'Service[]',
      meaning:
        'service, database, heads, appliedAt, applied, atHeads (left out: not known), latest (of each head what the ledger says: name, parents, appliedAt, duration, role, host, orchVersion, run, note), failure',
    },
  },
  status: { services: { type: 'Service[]', meaning: 'as in current, and pending, container' } },
  plan: {
    goal: { type: 'string', meaning: 'migrate; downgrade, before it is approved' },
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
  written: {
    service: { type: 'string', meaning: 'its name' },
    kind: { type: 'string', meaning: 'revision, merge or seed' },
    name: { type: 'string', meaning: 'such as 004_add_email_to_users' },
    message: { type: 'string', meaning: 'as it stands in the file' },
    parents: { type: 'string[]', meaning: 'names of revisions' },
    files: { type: 'string[]', meaning: 'absolute paths, up before down' },
  },
  autogenerated: {
    service: { type: 'string', meaning: 'its name' },
    database: { type: 'string', meaning: 'its name' },
    heads: { type: 'string[]', meaning: 'names of revisions; empty: base' },
    from: { type: 'string', meaning: 'schema or database: where the wanted schema was taken from' },
    source: { type: 'string', meaning: 'absolute path of the schema, or the name of the database' },
    differences: {
      type: 'Difference[]',
      meaning: 'what, object, field, wanted, found, message; empty: nothing is to be written',
    },
    up: { type: 'string', meaning: 'the statements' },
    down: { type: 'string', meaning: 'the statements' },
    left: {
      type: 'LeftOver',
      meaning: 'what they do not do: upRefused, downRefused (what the server said), up, down (Difference[])',
    },
    written: { type: 'Written?', meaning: 'as the fields of written; left out: nothing was written' },
  },
  rebased: {
    service: { type: 'string', meaning: 'its name' },
    behind: { type: 'string?', meaning: 'the revision that was the head; left out: nothing was to be done' },
    revisions: { type: 'Renamed[]', meaning: 'from, to (names), files (each from, to: absolute paths)' },
    mentions: { type: 'Mention[]', meaning: 'lines that still say an old name: service, file, requires, now' },
  },
  script: { text: { type: 'string', meaning: 'for psql' } },
  history: {
    services: {
      type: 'Service[]',
      meaning: 'service, database, revisions (HistoryRevision[], the newest first), failure',
    },
  },
  heads: {
    services: {
      type: 'Service[]',
      meaning: 'service, heads (name, message, created, author, parents, labels, requires, file), failure',
    },
  },
  branches: {
    services: {
      type: 'Service[]',
      meaning: 'service, branches (revision it begins with, parents, labels, heads above it), failure',
    },
  },
  shown: { revisions: { type: 'ShownRevision[]', meaning: 'in the order of the names that were given' } },
  check: {
    services: {
      type: 'Service[]',
      meaning: 'service, database, heads, findings (Finding[]), failure',
    },
    findings: { type: 'number', meaning: 'how many there are in all' },
  },
  baseline: {
    services: {
      type: 'Service[]',
      meaning:
        'service, database, verdict (match, differs, ledger, empty, failed), heads (of the match or the nearest), stamps, alike, differences (what, object, field, wanted, found, message), ledgers of other tools (tool, table, version), foreign (name, owner), seeds, failure',
    },
  },
  locks: {
    databases: {
      type: 'Database[]',
      meaning:
        'service (left out: the maintenance database of a server), server, database, shared (true: PGlite), sessions (each pid, application, client, role, since, began, duration, state, query, holds, awaits, waitsFor, blockedBy), failure',
    },
  },
  session: {
    action: { type: 'string', meaning: 'cancel or terminate: what is asked about' },
    database: { type: 'string', meaning: 'its name' },
    session: { type: 'Session', meaning: 'as in locks' },
  },
  'session-ended': {
    action: { type: 'string', meaning: 'cancel or terminate' },
    service: { type: 'string?', meaning: 'left out: the maintenance database of a server' },
    database: { type: 'string', meaning: 'its name' },
    session: { type: 'Session', meaning: 'as in locks, before it was ended' },
    result: { type: 'string', meaning: 'ended, nothing-ran (there was nothing to cancel), asked (it goes on so far)' },
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

type RevisionWritten<K extends StepKind, F> = F extends 'revision'
  ? K extends 'apply-revision' | 'revert-revision'
    ? 'revision' | 'revisionKind' | 'file' | 'transaction'
    : F
  : F extends 'expected'
    ? never
    : F;

/** Further fields of a `Step`, by its kind. The text of a revision is never written. */
export const stepKindFields: {
  readonly [K in StepKind]: { readonly [F in RevisionWritten<K, StepField<K>>]: FieldDoc };
} = {
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
    unclear: { type: 'boolean', meaning: 'true: whether the next statement was done is not known, and it ends there' },
  },
  'revert-revision': {
    revision: { type: 'string', meaning: 'its name' },
    revisionKind: { type: 'string', meaning: 'revision or seed' },
    file: { type: 'string', meaning: 'absolute path' },
    transaction: { type: 'string', meaning: 'single or none' },
    origin: { type: 'string', meaning: 'file, or recorded: the file was changed or is gone' },
    resumeAt: { type: 'number', meaning: 'statements of it done before' },
    unclear: { type: 'boolean', meaning: 'true: whether the next statement was done is not known, and it ends there' },
    drops: { type: 'Drop[]', meaning: 'what, table, column, rows, exact' },
  },
  stamp: {
    add: { type: 'string[]', meaning: 'names written as applied' },
    remove: { type: 'string[]', meaning: 'names taken out' },
    reason: { type: 'string?', meaning: 'as given' },
  },
  'accept-revision': {
    revision: { type: 'string', meaning: 'its name' },
    found: { type: 'boolean', meaning: 'false: its file is gone' },
    reason: { type: 'string', meaning: 'as given' },
  },
  'relink-revisions': { links: { type: 'Link[]', meaning: 'revision, parents, late' } },
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

/** Fields of a revision in `history`. */
export const historyFields: { readonly [F in keyof HistoryEntry]: FieldDoc } = {
  name: { type: 'string', meaning: 'such as 001_users' },
  message: { type: 'string', meaning: 'what it says of itself; empty where its file is gone' },
  created: { type: 'string?', meaning: 'ISO 8601, as its file says' },
  author: { type: 'string?', meaning: 'as its file says' },
  parents: { type: 'string[]', meaning: 'names; empty: a base' },
  labels: { type: 'string[]', meaning: 'of the branch that begins here' },
  requires: { type: 'string[]', meaning: 'revisions of other services, such as api-auth@002' },
  isHead: { type: 'boolean', meaning: 'true: no other is built on it' },
  file: { type: 'string?', meaning: 'absolute path; left out: its file is gone' },
  state: { type: 'string?', meaning: 'applied, pending, started, reverting; left out: the database was not reached' },
  appliedAt: { type: 'string?', meaning: "ISO 8601, the database's clock" },
  duration: { type: 'number?', meaning: 'ms' },
  role: { type: 'string?', meaning: 'who applied it' },
  note: { type: 'string?', meaning: 'such as stamped: taken over from flyway' },
};

/** Fields of a revision in `shown`. */
export const shownFields: { readonly [F in keyof ShownRevision]: FieldDoc } = {
  service: { type: 'string', meaning: 'its name' },
  name: { type: 'string', meaning: 'such as 001_users' },
  message: { type: 'string', meaning: 'what it says of itself' },
  origin: { type: 'string', meaning: 'file; recorded: as the ledger kept it' },
  created: { type: 'string?', meaning: 'ISO 8601' },
  author: { type: 'string?', meaning: 'as the text says' },
  parents: { type: 'string[]', meaning: 'names; empty: a base' },
  children: { type: 'string[]', meaning: 'names of the revisions that are built on it' },
  labels: { type: 'string[]', meaning: 'of the branch that begins here' },
  requires: { type: 'string[]', meaning: 'revisions of other services' },
  irreversible: { type: 'string?', meaning: 'why there is no way back' },
  transaction: { type: 'string', meaning: 'single or none' },
  appliedAt: { type: 'string?', meaning: 'ISO 8601; with --recorded' },
  up: { type: 'Text', meaning: 'file, checksum, text (left out: longer than 1 MB, and not recorded)' },
  down: { type: 'Text?', meaning: 'as up; left out: there is none' },
};

type FindingOf<K extends Finding['kind']> = Extract<Finding, { kind: K }>;

/** Fields of every finding of `check`. */
export const findingFields = {
  kind: { type: 'string', meaning: 'such as changed; each kind has fields of its own' },
  message: { type: 'string', meaning: 'in words' },
  next: { type: 'string[]', meaning: 'what to type next' },
} as const satisfies Record<string, FieldDoc>;

const ofRevision = { type: 'string', meaning: "the revision's name" } as const;
const ofFile = { type: 'string', meaning: 'absolute path' } as const;

/** Further fields of a finding, by its kind: the compiler keeps it complete. */
export const findingKindFields: {
  readonly [K in Finding['kind']]: { readonly [F in Exclude<keyof FindingOf<K>, 'kind'>]: FieldDoc };
} = {
  changed: {
    revision: ofRevision,
    file: ofFile,
    recorded: { type: 'string', meaning: 'checksum of what was applied' },
    found: { type: 'string', meaning: 'checksum of the file' },
    statementsDone: { type: 'number?', meaning: 'it stopped half way, after so many statements' },
  },
  missing: { revision: ofRevision, appliedAt: { type: 'string', meaning: 'ISO 8601' } },
  'out-of-order': {
    revision: ofRevision,
    file: ofFile,
    head: { type: 'string', meaning: 'an applied revision that is built on it' },
  },
  'down-changed': {
    revision: ofRevision,
    file: ofFile,
    recorded: { type: 'string?', meaning: 'checksum; left out: it had no down' },
    found: { type: 'string?', meaning: 'checksum; left out: it has none now' },
  },
  interrupted: {
    revision: ofRevision,
    direction: { type: 'string', meaning: 'up or down' },
    statementsDone: { type: 'number', meaning: 'so far' },
  },
  behind: {
    why: { type: 'string', meaning: 'pending, no-ledger or no-database' },
    pending: { type: 'string[]', meaning: 'names of revisions, parents first' },
    seeds: { type: 'string[]', meaning: 'names of seeds' },
  },
  gap: {
    first: { type: 'string', meaning: 'the lowest number that is missing' },
    last: { type: 'string', meaning: 'the highest' },
    below: { type: 'string', meaning: 'the revision before the gap' },
    above: { type: 'string', meaning: 'the revision after it' },
  },
  diverged: { heads: { type: 'Head[]', meaning: 'name, file, author, created' } },
  invalid: { fault: { type: 'Fault', meaning: 'file, line, column, message, source, hint' } },
  refused: { failure: { type: 'Failure', meaning: 'why migrate would refuse' } },
};
