import { describe, expect, test } from 'vitest';
import { Failure } from '../../../src/core/failure.ts';
import type { ObservedService } from '../../../src/core/observed.ts';
import { type PlanRequest, planProject } from '../../../src/core/planners/project-plan.ts';
import { historyOf } from '../../../src/core/planners/upgrade.ts';
import type { Service } from '../../../src/core/project.ts';
import { applied, container, database, nothing, planText, revision, revisions, row, service } from '../support.ts';

const auth = service('auth');
const user = service('user', { needs: ['auth'] });
const two = revisions('001_a -> 002_b');

function plan(
  goal: PlanRequest['goal'],
  observed: ReadonlyMap<Service, ObservedService | Failure>,
  options: { readonly target?: string; readonly histories?: PlanRequest['histories'] } = {},
): string {
  const services = [...observed.keys()];
  const histories = options.histories ?? new Map(services.map(({ name }) => [name, historyOf(two, [])]));
  const found = new Map([...observed].map(([{ name }, value]) => [name, value]));
  return planText(planProject({ goal, services, target: options.target ?? 'head', histories }, { services: found }));
}

const seen = (found: ObservedService['database']): ObservedService => ({ database: found, container: undefined });

describe('migrate', () => {
  test('on an empty server creates roles, database, access and ledger before the first revision', () => {
    expect(plan('migrate', new Map([[auth, seen(nothing(auth))]]))).toBe(`
auth/authdb  create-role auth_owner  because the server does not have it
auth/authdb  create-role auth_app  because the server does not have it  after auth/create-role/auth_owner
auth/authdb  create-database  because the server does not have it  after auth/create-role/auth_app
auth/authdb  acquire-lock  because one writer at a time  after auth/create-database
auth/authdb  grant-access auth_app  because it cannot use the tables yet  after auth/acquire-lock
auth/authdb  create-ledger  because the database has none  after auth/grant-access/auth_app
auth/authdb  apply-revision 001_a  because it is pending  after auth/create-ledger
auth/authdb  apply-revision 002_b  because it is pending  after auth/apply-revision/revision/001_a
auth/authdb  release-lock  because the database is done  after auth/apply-revision/revision/002_b
`);
  });

  test('does nothing, and takes no lock, where every database is at its head', () => {
    expect(plan('migrate', new Map([[auth, seen(database(auth, applied(two)))]]))).toBe('\n\n');
  });

  test('applies only what is pending', () => {
    expect(plan('migrate', new Map([[auth, seen(database(auth, applied(two.slice(0, 1))))]]))).toBe(`
auth/authdb  acquire-lock  because one writer at a time
auth/authdb  apply-revision 002_b  because it is pending  after auth/acquire-lock
auth/authdb  release-lock  because the database is done  after auth/apply-revision/revision/002_b
`);
  });

  test('stops at a target below the head', () => {
    expect(plan('migrate', new Map([[auth, seen(database(auth, []))]]), { target: '1' })).toContain(
      'apply-revision 001_a',
    );
    expect(plan('migrate', new Map([[auth, seen(database(auth, []))]]), { target: '1' })).not.toContain('002_b');
  });

  test('works on a database only after those of the services it needs', () => {
    const text = plan(
      'migrate',
      new Map([
        [user, seen(database(user, applied(two.slice(0, 1))))],
        [auth, seen(database(auth, applied(two.slice(0, 1))))],
      ]),
    );
    expect(text).toContain('user/userdb  acquire-lock  because one writer at a time  after auth/release-lock');
  });

  test('waits through a needed service that has nothing to do for the one that it needs itself', () => {
    const admin = service('admin', { needs: ['user'] });
    const text = plan(
      'migrate',
      new Map([
        [auth, seen(database(auth, []))],
        [user, seen(database(user, applied(two)))],
        [admin, seen(database(admin, []))],
      ]),
    );
    expect(text).toContain('admin/admindb  acquire-lock  because one writer at a time  after auth/release-lock');
  });

  test('resumes a revision outside a transaction behind its last finished statement', () => {
    const [first] = two;
    const outside = revision('001_a', [], { up: { ...revision('001_a').up, transaction: 'none' } as never });
    const begun = [row(first as never, { state: 'started', statementsDone: 3 })];
    const histories = new Map([['auth', historyOf([outside], [])]]);
    expect(plan('migrate', new Map([[auth, seen(database(auth, begun))]]), { histories })).toContain(
      'apply-revision 001_a (outside a transaction)  because it stopped after statement 3',
    );
    // In a transaction a row can't stay begun, unless the revision committed a part of itself.
    expect(plan('migrate', new Map([[auth, seen(database(auth, begun))]]))).toContain(
      'auth  refused: revision-interrupted',
    );
  });

  test('applies seeds behind the head, once each', () => {
    const seeds = [revision('001_demo', [], { kind: 'seed' }), revision('002_more', [], { kind: 'seed' })];
    const histories = new Map([['auth', historyOf(two, seeds)]]);
    const rows = [...applied(two), ...applied(seeds.slice(0, 1))];
    const text = plan('migrate', new Map([[auth, seen(database(auth, rows))]]), { histories });
    expect(text).toContain('apply-revision 002_more (seed)');
    expect(text).not.toContain('001_demo');
    const below = plan('migrate', new Map([[auth, seen(database(auth, []))]]), { histories, target: '1' });
    expect(below).not.toContain('seed');
  });
});

describe('a service that cannot be upgraded is refused, and with it those that need it', () => {
  const third = service('third');
  const others = new Map([
    [user, seen(database(user, []))],
    [third, seen(database(third, []))],
  ]);

  test.each([
    ['its history has a changed revision', two.map((item) => row(item, { checksum: 'other' })), 'history-conflict'],
    ['an applied revision has no file', applied(revisions('000_gone')), 'history-conflict'],
    ['a lower revision was never applied', applied(two.slice(1)), 'history-conflict'],
  ])('where %s', (_name, rows, code) => {
    const text = plan('migrate', new Map([[auth, seen(database(auth, rows))], ...others]));
    expect(text).toContain(`auth  refused: ${code}`);
    expect(text).toContain('user  refused: needs auth');
    expect(text).not.toContain('user/userdb');
    expect(text).toContain('third/thirddb  apply-revision 002_b');
  });

  test('where a newer orch wrote its ledger', () => {
    const newer = { ...database(auth, []), ledger: { format: 2, rows: [] } };
    expect(plan('migrate', new Map([[auth, seen(newer)]]))).toContain('auth  refused: ledger-too-new');
  });

  test('where its database belongs to somebody else', () => {
    const foreign = { ...database(auth, []), owner: 'somebody' };
    expect(plan('migrate', new Map([[auth, seen(foreign)]]))).toContain('auth  refused: prerequisite-unmet');
  });

  test('where the server lacks an extension, or has it too old', () => {
    const picky = service('picky', { extensions: [{ name: 'vector', minimumVersion: '0.7' }] });
    const with_ = (installed: string | undefined, available: string | undefined): ObservedService =>
      seen({ ...database(picky, []), extensions: [{ name: 'vector', installed, available }] });
    expect(plan('migrate', new Map([[picky, with_(undefined, undefined)]]))).toContain('refused: prerequisite-unmet');
    expect(plan('migrate', new Map([[picky, with_(undefined, '0.6')]]))).toContain('refused: prerequisite-unmet');
    expect(plan('migrate', new Map([[picky, with_('0.6', '0.10')]]))).toContain('update-extension vector from 0.6');
    expect(plan('migrate', new Map([[picky, with_('0.10', '0.10')]]))).not.toContain('vector');
  });

  test('where it could not be observed, or its files could not be read', () => {
    const failure = new Failure('server-unreachable', {
      server: 'main',
      host: 'h',
      port: 1,
      database: undefined,
      probe: 'tcp',
      reason: 'r',
      sqlstate: undefined,
      waited: 0,
    });
    expect(plan('migrate', new Map([[auth, failure]]))).toContain('auth  refused: server-unreachable');
    const unread = new Map([['auth', new Failure('revision-invalid', { service: 'auth', faults: [] })]]);
    expect(plan('migrate', new Map([[auth, seen(database(auth, []))]]), { histories: unread })).toContain(
      'auth  refused: revision-invalid',
    );
  });

  test('where two files are heads', () => {
    const histories = new Map([['auth', historyOf(revisions('001_a -> 002_b, 001_a -> 002_c'), [])]]);
    expect(plan('migrate', new Map([[auth, seen(database(auth, []))]]), { histories })).toContain(
      'auth  refused: heads-diverged',
    );
  });
});

describe('up', () => {
  const done = database(auth, applied(two));
  const up = (fields: Parameters<typeof container>[0]): string =>
    plan('up', new Map([[auth, { database: done, container: container(fields) }]]));

  test('does nothing where databases are at their heads and current containers are healthy', () => {
    expect(up({})).toBe('\n\n');
    expect(up({ health: 'none' })).toBe('\n\n');
  });

  test('creates, replaces or starts a container, whichever it lacks', () => {
    expect(up({ state: 'absent' })).toContain('start-service create  because there is no container');
    expect(up({ upToDate: false })).toContain('start-service recreate  because its image or config has changed');
    expect(up({ state: 'exited' })).toContain('start-service  because its container is exited');
  });

  test('waits for a container that runs but is not healthy', () => {
    expect(up({ health: 'starting' })).toBe('\nauth/authdb  wait-healthy  because it is not healthy yet\n');
  });

  test('builds a missing image before anything is done to the database, and touches the container last', () => {
    const text = plan(
      'up',
      new Map([
        [
          auth,
          {
            database: database(auth, applied(two.slice(0, 1))),
            container: container({ state: 'absent', imageMissing: true }),
          },
        ],
      ]),
    );
    expect(text).toBe(`
auth/authdb  build-image  because its image is to be built or pulled
auth/authdb  acquire-lock  because one writer at a time  after auth/build-image
auth/authdb  apply-revision 002_b  because it is pending  after auth/acquire-lock
auth/authdb  release-lock  because the database is done  after auth/apply-revision/revision/002_b
auth/authdb  start-service create  because there is no container  after auth/release-lock
auth/authdb  wait-healthy  because it was started  after auth/start-service
`);
  });

  test('starts a service only once the services that it needs are healthy', () => {
    const text = plan(
      'up',
      new Map([
        [auth, { database: done, container: container({ state: 'exited' }) }],
        [user, { database: database(user, applied(two)), container: container({ state: 'absent' }) }],
      ]),
    );
    expect(text).toContain('user/userdb  start-service create  because there is no container  after auth/wait-healthy');
  });
});
