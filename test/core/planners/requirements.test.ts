import { describe, expect, test } from 'vitest';
import { isFailure } from '../../../src/core/failure.ts';
import type { LedgerRow } from '../../../src/core/observed.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { planProject } from '../../../src/core/planners/project-plan.ts';
import { historyOf } from '../../../src/core/planners/upgrade.ts';
import type { Service } from '../../../src/core/project.ts';
import type { Revision } from '../../../src/core/revision.ts';
import { applied, database, planText, revision, service } from '../support.ts';

const needing = (name: string, parents: readonly string[], ...requires: readonly string[]): Revision =>
  revision(name, parents, {
    requires: requires.map((text) => ({ service: text.split('@')[0] ?? '', revision: text.split('@')[1] ?? '' })),
  });

interface Sketch {
  readonly service: Service;
  readonly revisions: readonly Revision[];
  readonly rows?: readonly LedgerRow[];
}

function plan(selected: readonly Sketch[], others: readonly Sketch[] = [], target = 'head'): Plan {
  const all = [...selected, ...others];
  const histories = new Map(all.map((one) => [one.service.name, historyOf(one.revisions, [])]));
  const services = new Map(
    all.map((one) => [one.service.name, { database: database(one.service, one.rows ?? []), container: undefined }]),
  );
  const request = { goal: 'migrate', target, histories } as const;
  return planProject(
    { ...request, services: selected.map((one) => one.service), others: others.map((one) => one.service) },
    { services },
  );
}

function failureOf(made: Plan, name: string): { readonly code: string; readonly details: object } | undefined {
  const failure = made.refusals.find(({ subject }) => subject.service === name)?.failure;
  return failure === undefined ? undefined : { code: failure.code, details: failure.details };
}

const auth = service('auth');
const user = service('user');
const authLine = [revision('001_users'), revision('002_roles', ['001_users'])];
const userLine = [revision('001_profiles'), needing('002_links', ['001_profiles'], 'auth@002')];

describe('a revision that requires one of another service', () => {
  test('waits for it, and both locks are taken in one order in every run', () => {
    expect(
      planText(
        plan([
          { service: user, revisions: userLine },
          { service: auth, revisions: authLine },
        ]),
      ),
    ).toBe(`
user/userdb  acquire-lock  because one writer at a time
user/userdb  apply-revision 001_profiles  because it is pending  after user/acquire-lock
auth/authdb  acquire-lock  because one writer at a time  after user/acquire-lock
auth/authdb  apply-revision 001_users  because it is pending  after auth/acquire-lock
auth/authdb  apply-revision 002_roles  because it is pending  after auth/apply-revision/revision/001_users
user/userdb  apply-revision 002_links  because it is pending  after user/apply-revision/revision/001_profiles and auth/apply-revision/revision/002_roles
user/userdb  release-lock  because the database is done  after user/apply-revision/revision/002_links
auth/authdb  release-lock  because the database is done  after auth/apply-revision/revision/002_roles
`);
  });

  test('waits for nothing where it is applied, in a service of the run or not', () => {
    const done = { service: auth, revisions: authLine, rows: applied(authLine) };
    expect(planText(plan([{ service: user, revisions: userLine }, done]))).not.toContain('auth/');
    expect(planText(plan([{ service: user, revisions: userLine }], [done]))).toContain('apply-revision 002_links');
  });

  test('is refused where the other service is not part of the run and lacks it', () => {
    const made = plan([{ service: user, revisions: userLine }], [{ service: auth, revisions: authLine }]);
    expect(failureOf(made, 'user')).toMatchObject({
      code: 'requirement-unmet',
      details: { revision: '002_links', requires: 'auth@002', why: 'not-selected' },
    });
    expect(made.steps).toEqual([]);
  });

  test('is refused where the other service is brought to a target below it', () => {
    const made = plan(
      [
        { service: user, revisions: [needing('001_links', [], 'auth@002')] },
        { service: auth, revisions: authLine },
      ],
      [],
      '1',
    );
    expect(failureOf(made, 'user')).toMatchObject({ details: { why: 'not-in-target' } });
    expect(planText(made)).toContain('auth/authdb  apply-revision 001_users');
  });

  test('is refused where there is no such service or revision, with the nearest names', () => {
    const to = (requirement: string): object | undefined =>
      failureOf(
        plan([
          { service: user, revisions: [needing('001_links', [], requirement)] },
          { service: auth, revisions: authLine },
        ]),
        'user',
      );
    expect(to('auht@002')).toMatchObject({ details: { why: 'unknown-service', candidates: ['auth'] } });
    expect(to('auth@002_rolse')).toMatchObject({ details: { why: 'unknown-revision' } });
    expect(to('auth@0')).toMatchObject({ details: { why: 'ambiguous', candidates: ['001_users', '002_roles'] } });
  });

  test('is left alone where the other service is, and so are those that require it in turn', () => {
    const broken = { service: auth, revisions: authLine, rows: applied([revision('000_gone')]) };
    const third = { service: service('third'), revisions: [needing('001_x', [], 'user@002')] };
    const made = plan([third, { service: user, revisions: userLine }, broken]);
    expect(planText(made)).toBe(
      '\nthird  refused: needs user\nuser  refused: needs auth\nauth  refused: history-conflict\n',
    );
  });
});

describe('a cycle of requirements', () => {
  test('is reported with its whole path; services outside it go on', () => {
    const one = { service: auth, revisions: [revision('001_a'), needing('002_b', ['001_a'], 'user@001')] };
    const two = { service: user, revisions: [needing('001_x', [], 'third@001')] };
    const three = { service: service('third'), revisions: [needing('001_y', [], 'auth@002')] };
    const four = { service: service('fourth'), revisions: [revision('001_z')] };
    const made = plan([one, two, three, four]);
    const failure = made.refusals[0]?.failure;
    if (!isFailure(failure, 'requirement-cycle')) throw new Error(`refused for ${failure?.code}`);
    const { path } = failure.details;
    expect(path).toHaveLength(4);
    expect(path[0]).toBe(path[3]);
    expect([...path].sort()).toEqual(expect.arrayContaining(['auth@002_b', 'third@001_y', 'user@001_x']));
    expect(made.refusals.map(({ subject }) => subject.service).sort()).toEqual(['auth', 'third', 'user']);
    expect(planText(made)).toContain('fourth/fourthdb  apply-revision 001_z');
  });

  test('may run through what a service needs as a whole', () => {
    const needy = service('needy', { needs: ['auth'] });
    const made = plan([
      { service: auth, revisions: [needing('001_a', [], 'needy@001')] },
      { service: needy, revisions: [revision('001_x')] },
    ]);
    expect(failureOf(made, 'auth')).toMatchObject({ code: 'requirement-cycle' });
    const path = expect.arrayContaining(['auth@001_a', 'needy@001_x']);
    expect(failureOf(made, 'auth')).toMatchObject({ details: { path } });
  });
});
