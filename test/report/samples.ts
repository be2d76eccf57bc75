import type { Event } from '../../src/core/event.ts';
import { Failure, type FailureCode } from '../../src/core/failure.ts';
import { defaultNaming } from '../../src/core/naming.ts';
import type { Blocker, LockHolder } from '../../src/core/observed.ts';
import type { Step, StepKind, StepOf } from '../../src/core/plan.ts';
import type { Project, Server, Service } from '../../src/core/project.ts';
import { sqlRevision } from '../support/revisions.ts';

/** One of everything that can be told: the compiler keeps the samples complete. */

export const holder: LockHolder = {
  pid: 4711,
  application: 'orch lock',
  client: '10.0.0.3',
  role: 'auth_owner',
  since: '2026-11-20T10:00:00Z',
};

const blocker: Blocker = {
  ...holder,
  application: 'psql',
  role: 'reporting',
  state: 'idle in transaction',
  query: 'SELECT count(*) FROM users',
};

const subject = { service: 'api-auth', database: 'authdb' };
const base = { subject, because: 'it is pending', after: [] };

export function revisionNamed(name: string, parents: readonly string[], transaction: 'single' | 'none' = 'single') {
  const revision = sqlRevision(name, { parents });
  const file = `/home/dev/shop/services/api-auth/revisions/${name}.up.sql`;
  return { ...revision, up: { ...revision.up, file, transaction } } as typeof revision;
}

export const steps: { readonly [K in StepKind]: StepOf<K> } = {
  'build-image': { ...base, id: 'b', kind: 'build-image' },
  'create-role': { ...base, id: 'r', kind: 'create-role', role: 'auth_app' },
  'create-database': { ...base, id: 'd', kind: 'create-database' },
  'drop-database': { ...base, id: 'x', kind: 'drop-database' },
  'acquire-lock': { ...base, id: 'l', kind: 'acquire-lock', expected: 'none' },
  'create-extension': { ...base, id: 'e', kind: 'create-extension', extension: 'vector', minimumVersion: '0.5' },
  'update-extension': {
    ...base,
    id: 'u',
    kind: 'update-extension',
    extension: 'vector',
    from: '0.4',
    minimumVersion: '0.5',
  },
  'grant-access': { ...base, id: 'g', kind: 'grant-access', role: 'auth_app' },
  'create-ledger': { ...base, id: 'c', kind: 'create-ledger' },
  'apply-revision': {
    ...base,
    id: 'a',
    kind: 'apply-revision',
    revision: revisionNamed('002_x', ['001_users']),
    resumeAt: 0,
  },
  'revert-revision': {
    ...base,
    id: 'v',
    kind: 'revert-revision',
    revision: revisionNamed('002_x', ['001_users']),
    origin: 'recorded',
    resumeAt: 0,
    drops: [{ what: 'table', table: 'users', column: undefined, rows: 12, exact: true }],
  },
  stamp: {
    ...base,
    id: 'p',
    kind: 'stamp',
    add: [revisionNamed('002_x', ['001_users'])],
    remove: ['003_a'],
    reason: 'taken over',
  },
  'accept-revision': {
    ...base,
    id: 'q',
    kind: 'accept-revision',
    revision: '002_x',
    found: undefined,
    reason: 'cleaned up',
  },
  'relink-revisions': {
    ...base,
    id: 'k',
    kind: 'relink-revisions',
    links: [{ revision: '003_a', parents: ['002_x'], late: ['002_x'] }],
  },
  'release-lock': { ...base, id: 'f', kind: 'release-lock' },
  'stop-service': { ...base, id: 's', kind: 'stop-service' },
  'start-service': { ...base, id: 't', kind: 'start-service', action: 'create' },
  'wait-healthy': { ...base, id: 'w', kind: 'wait-healthy' },
};

const file = '/home/dev/shop/services/api-auth/revisions/002_x.up.sql';
const fault = { file: 'orchestrator.config.yaml', hint: undefined, source: undefined };
const verdicts = [
  {
    kind: 'changed',
    revision: '001_users',
    file: '/home/dev/shop/services/api-auth/revisions/001_users.up.sql',
    recorded: 'v1:sha256:aa11',
    found: 'v1:sha256:bb22',
  },
  { kind: 'missing', revision: '003_gone', appliedAt: '2026-11-20T10:00:00Z' },
  { kind: 'out-of-order', revision: '002_x', file, head: '004_later' },
] as const;

export const sqlFailure = new Failure(
  'sql-failed',
  {
    ...subject,
    revision: '002_x',
    direction: 'up',
    sqlstate: '42P01',
    message: 'relation "usrs" does not exist',
    detail: 'Key (email)=(ada@example.org) is shown only with --show-data.',
    serverHint: 'Perhaps you meant to reference the table "users".',
    where: undefined,
    statement: undefined,
    source: '  ALTER TABLE usrs ADD COLUMN age int;',
    partial: false,
    statementsDone: 0,
  },
  { at: { file, line: 3, column: 15 } },
);

export const failures: { readonly [C in FailureCode]: Failure<C> } = {
  'usage-invalid': new Failure('usage-invalid', { message: 'unknown option --fats; did you mean --fail-fast?' }),
  'config-not-found': new Failure('config-not-found', {
    searched: ['/home/dev/shop/orchestrator.config.yaml', '/home/dev/orchestrator.config.yaml'],
  }),
  'config-invalid': new Failure('config-invalid', {
    faults: [
      {
        ...fault,
        line: 3,
        column: 1,
        message: 'unknown key "servces"',
        source: 'servces:',
        hint: 'did you mean "services"?',
      },
      { ...fault, line: undefined, column: undefined, message: 'services is missing' },
    ],
  }),
  'service-unknown': new Failure('service-unknown', {
    name: 'api-auht',
    known: ['api-auth', 'api-user'],
    nearest: 'api-auth',
  }),
  'service-ambiguous': new Failure('service-ambiguous', { command: 'revision', known: ['api-auth', 'api-user'] }),
  'revision-applied': new Failure('revision-applied', {
    ...subject,
    revisions: [{ name: '002_x', appliedAt: '2026-11-20T10:00:00Z' }],
  }),
  'rebase-unchecked': new Failure('rebase-unchecked', { ...subject, revision: '002_x', reason: 'connection refused' }),
  'file-not-written': new Failure('file-not-written', { file, reason: 'permission denied', exists: false }),
  'editor-failed': new Failure('editor-failed', {
    command: 'code --wait',
    reason: 'it ended with exit code 1',
    files: [file],
  }),
  'revision-invalid': new Failure('revision-invalid', {
    service: 'api-auth',
    faults: [
      {
        file,
        line: 1,
        column: undefined,
        message: 'the file is not UTF-8',
        source: undefined,
        hint: 'save it as UTF-8',
      },
    ],
  }),
  'revision-not-found': new Failure('revision-not-found', {
    service: 'api-auth',
    target: '02_x',
    nearest: ['002_x', '002_y'],
  }),
  'revision-ambiguous': new Failure('revision-ambiguous', {
    service: 'api-auth',
    target: '002',
    candidates: ['002_x', '0002_y'],
  }),
  'revision-out-of-range': new Failure('revision-out-of-range', {
    service: 'api-auth',
    target: '+5',
    from: '001_users',
    available: 2,
  }),
  'range-invalid': new Failure('range-invalid', { service: 'api-auth', lower: '003', upper: '001' }),
  'revision-not-applied': new Failure('revision-not-applied', { ...subject, revision: '003_a', heads: ['002_x'] }),
  'revision-without-down': new Failure('revision-without-down', { ...subject, revisions: ['003_a', '002_x'] }),
  'revision-irreversible': new Failure('revision-irreversible', {
    ...subject,
    revisions: [{ name: '003_a', reason: 'the old values are gone' }],
  }),
  'down-not-recorded': new Failure('down-not-recorded', {
    ...subject,
    revision: '002_x',
    file: '/home/dev/shop/services/api-auth/revisions/002_x.down.sql',
    checksum: 'v1:sha256:aa11',
  }),
  'revision-required': new Failure('revision-required', {
    ...subject,
    revision: '002_x',
    by: [{ service: 'api-user', revision: '001_profiles' }],
  }),
  'requirement-unmet': new Failure('requirement-unmet', {
    ...subject,
    revision: '002_x',
    requires: 'api-user@001',
    why: 'not-selected',
    candidates: [],
  }),
  'requirement-cycle': new Failure('requirement-cycle', {
    ...subject,
    path: ['api-auth@002_x', 'api-user@001_profiles', 'api-auth@002_x'],
  }),
  'nothing-to-accept': new Failure('nothing-to-accept', { service: 'api-auth', revision: '002_x', why: 'unchanged' }),
  'database-missing': new Failure('database-missing', subject),
  'database-not-empty': new Failure('database-not-empty', {
    ...subject,
    count: 7,
    names: ['public.alembic_version', 'public.roles', 'public.users'],
  }),
  'not-at-head': new Failure('not-at-head', { ...subject, pending: ['002_x'], hasSchema: false }),
  'baseline-unmatched': new Failure('baseline-unmatched', {
    ...subject,
    nearest: ['002_x'],
    differences: [
      { what: 'extra', object: { kind: 'column', of: 'public.users', name: 'nickname' } },
      { what: 'missing', object: { kind: 'index', of: 'public.users', name: 'ix_users_email' } },
      {
        what: 'changed',
        object: { kind: 'column', of: 'public.users', name: 'email' },
        field: 'type',
        wanted: 'character varying(255)',
        found: 'text',
      },
    ],
  }),
  'replay-unsafe': new Failure('replay-unsafe', {
    ...subject,
    faults: [
      {
        file: 'services/api-auth/revisions/002_x.up.sql',
        line: 3,
        column: 1,
        message: 'reaches beyond its database',
        source: 'ALTER DATABASE authdb SET search_path = auth;',
        hint: undefined,
      },
    ],
  }),
  'throwaway-left': new Failure('throwaway-left', {
    service: 'api-auth',
    database: 'orch_baseline_1f0c9a2b_authdb',
    reason: 'terminating connection due to administrator command',
  }),
  'heads-diverged': new Failure('heads-diverged', {
    service: 'api-auth',
    heads: [
      {
        name: '003_a',
        file: '/home/dev/shop/services/api-auth/revisions/003_a.up.sql',
        author: 'Ada',
        created: '2026-11-01',
      },
      {
        name: '003_b',
        file: '/home/dev/shop/services/api-auth/revisions/003_b.ts',
        author: undefined,
        created: undefined,
      },
    ],
  }),
  'history-conflict': new Failure('history-conflict', { ...subject, verdicts }),
  'ledger-too-new': new Failure('ledger-too-new', { ...subject, format: 2, supported: 1 }),
  'revision-interrupted': new Failure('revision-interrupted', {
    ...subject,
    revision: '004_idx',
    direction: 'up',
    statementsDone: 1,
  }),
  'statement-unclear': new Failure(
    'statement-unclear',
    { ...subject, revision: '004_idx', direction: 'up', statement: 2 },
    { at: { file: '/home/dev/shop/services/api-auth/revisions/004_idx.up.sql', line: 7, column: 1 } },
  ),
  'lock-held': new Failure('lock-held', { ...subject, holder, waited: 60_000 }),
  'lock-lost': new Failure('lock-lost', subject),
  'server-unreachable': new Failure('server-unreachable', {
    server: 'main',
    host: '127.0.0.1',
    port: 54329,
    database: 'postgres',
    role: 'postgres',
    probe: 'login',
    reason: 'password authentication failed for user "postgres"',
    sqlstate: '28P01',
    waited: 3200,
  }),
  'pooler-refused': new Failure('pooler-refused', {
    host: '127.0.0.1',
    port: 54329,
    database: 'authdb',
    sign: 'other-backend',
    reason: 'log-in named the backend 17, and 4711 answers',
  }),
  'server-not-writable': new Failure('server-not-writable', {
    ...subject,
    host: '127.0.0.1',
    port: 54329,
    why: 'standby',
    during: 'applying 002_x',
  }),
  'connection-lost': new Failure('connection-lost', {
    ...subject,
    during: 'applying 002_x',
    reason: 'terminating connection due to administrator command',
  }),
  'outcome-unknown': new Failure('outcome-unknown', {
    ...subject,
    revision: '002_x',
    reason: 'read ECONNRESET',
    wanted: 'applied',
    backend: 4711,
  }),
  'prerequisite-unmet': new Failure('prerequisite-unmet', {
    ...subject,
    what: 'extension-too-old',
    name: 'vector',
    wanted: '0.8',
    found: '0.5.1',
  }),
  'sql-failed': sqlFailure,
  'revision-blocked': new Failure(
    'revision-blocked',
    {
      ...subject,
      revision: '002_x',
      direction: 'up',
      sqlstate: '55P03',
      message: 'canceling statement due to lock timeout',
      statement: 'ALTER TABLE users ADD COLUMN name text',
      source: undefined,
      blockers: [blocker],
      tries: 12,
      waited: 119_400,
      lockTimeout: 2000,
      partial: false,
      statementsDone: 0,
    },
    { at: { file: '/home/dev/shop/services/api-auth/revisions/002_x.up.sql', line: 3, column: 1 } },
  ),
  'index-invalid': new Failure(
    'index-invalid',
    {
      ...subject,
      revision: '002_x',
      direction: 'up',
      index: 'public.users_email',
      table: 'public.users',
      why: 'invalid',
    },
    { at: { file: '/home/dev/shop/services/api-auth/revisions/002_x.up.sql', line: 2, column: 1 } },
  ),
  'step-refused': new Failure('step-refused', {
    ...subject,
    during: 'create-database',
    sqlstate: '53100',
    message: 'could not extend file: No space left on device',
    serverHint: 'Check free disk space.',
  }),
  'revision-code-failed': new Failure(
    'revision-code-failed',
    { ...subject, revision: '002_x', direction: 'up', message: 'row 7 has no name\n  while filling' },
    { at: { file: '/home/dev/shop/services/api-auth/revisions/002_x.ts', line: 12, column: 9 } },
  ),
  'service-unhealthy': new Failure('service-unhealthy', {
    service: 'api-auth',
    state: 'running',
    url: 'http://127.0.0.1:8001/health',
    lastAnswer: '503 schema is behind',
    logTail: ['listening on 8001', 'database is behind'],
    waited: 60_000,
  }),
  'service-not-started': new Failure('service-not-started', {
    service: 'api-auth',
    reason: 'the process ended with exit code 1',
    logTail: ['Cannot find module tsx'],
  }),
  'image-build-failed': new Failure('image-build-failed', {
    service: 'api-auth',
    outputTail: ['npm error code ENOTFOUND'],
  }),
  'image-missing': new Failure('image-missing', {
    service: 'api-auth',
    image: 'shop/auth:1',
    reason: 'No such image: shop/auth:1',
  }),
  'port-taken': new Failure('port-taken', { service: 'api-auth', address: '127.0.0.1:8001' }),
  'compose-invalid': new Failure('compose-invalid', {
    files: ['/home/dev/shop/compose/compose.yaml'],
    message: 'yaml: line 3: mapping values are not allowed in this context',
  }),
  'docker-unavailable': new Failure('docker-unavailable', {
    what: 'no-engine',
    reason: '',
    tried: ['unix:///var/run/docker.sock: connect ENOENT'],
  }),
  'local-state-locked': new Failure('local-state-locked', { pid: 4712, folder: '/home/dev/shop/.orch' }),
  'reset-refused': new Failure('reset-refused', { database: 'authdb', environment: 'production' }),
  'reset-unknown': new Failure('reset-unknown', { name: 'autdb', known: ['authdb', 'api-auth'], nearest: 'authdb' }),
  'approval-missing': new Failure('approval-missing', { what: 'authdb', command: 'reset', services: [] }),
  'session-not-found': new Failure('session-not-found', { pid: 4711, databases: ['authdb', 'postgres'] }),
  'session-not-approved': new Failure('session-not-approved', { pid: 4711, action: 'terminate' }),
  'observed-changed': new Failure('observed-changed', { service: 'api-auth' }),
  interrupted: new Failure('interrupted', { signal: 'SIGINT' }),
};

type EventOf<T extends Event['type']> = Extract<Event, { type: T }>;
const step: Step = steps['apply-revision'];

export const events: { readonly [T in Event['type']]: EventOf<T> } = {
  'run-started': {
    type: 'run-started',
    run: 'r1',
    command: 'up',
    project: 'shop',
    runtime: 'compose',
    version: '0.1.0',
  },
  'runtime-noted': { type: 'runtime-noted', runtime: 'local', note: 'limits', detail: undefined },
  'server-started': { type: 'server-started', server: 'main', how: 'started', duration: 1230 },
  'probe-awaited': { type: 'probe-awaited', server: 'main', probe: 'login', reason: '28P01', waited: 3000 },
  'server-ready': { type: 'server-ready', server: 'main', waited: 3400 },
  'plan-made': {
    type: 'plan-made',
    plan: {
      goal: 'up',
      steps: Object.values(steps),
      refusals: [
        { subject: { service: 'api-user', database: 'apidb' }, failure: failures['ledger-too-new'], needs: undefined },
        { subject: { service: 'api-admin', database: 'admindb' }, failure: undefined, needs: 'api-user' },
      ],
    },
  },
  'lock-awaited': { type: 'lock-awaited', subject, holder, waited: 5000 },
  'revision-blocked': {
    type: 'revision-blocked',
    step,
    blockers: [blocker],
    waited: 500,
    retry: { sqlstate: '55P03', tries: 1, pause: 120, left: 119_500 },
  },
  'step-started': { type: 'step-started', step },
  'step-progressed': { type: 'step-progressed', step, done: 1000, total: 4000, unit: 'rows' },
  'step-finished': { type: 'step-finished', step, duration: 12, note: undefined },
  'step-failed': { type: 'step-failed', step, failure: sqlFailure, duration: 3 },
  'step-skipped': { type: 'step-skipped', step, because: 'earlier-failure' },
  'notice-received': {
    type: 'notice-received',
    subject,
    severity: 'WARNING',
    message: 'there is no transaction in progress',
  },
  'service-exited': { type: 'service-exited', service: 'api-auth', exitCode: 1, signal: undefined },
  'stop-requested': { type: 'stop-requested', signal: 'SIGINT', during: 'work' },
};

const server = { name: 'main', host: '127.0.0.1', port: 54329, container: 'postgres' } as Server;

/** A project as far as phrases look at it. */
export const project = {
  name: 'shop',
  root: '/home/dev/shop',
  file: '/home/dev/shop/orchestrator.config.yaml',
  composeFiles: ['/home/dev/shop/compose/compose.yaml'],
  templates: undefined,
  naming: defaultNaming,
  servers: [server],
  services: [
    {
      name: 'api-auth',
      database: 'authdb',
      server,
      container: 'auth',
      owner: { role: 'auth_owner', password: undefined },
      file: '/home/dev/shop/services/api-auth/service.yaml',
      needs: [],
      revisions: '/home/dev/shop/services/api-auth/revisions',
    } as unknown as Service,
    {
      name: 'api-user',
      database: 'apidb',
      owner: { role: 'user_owner' },
      server,
      needs: ['api-auth'],
    } as unknown as Service,
  ],
  secrets: ['s3cret-pa$$'],
} as unknown as Project;
