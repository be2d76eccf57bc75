import { describe, expect, test } from 'vitest';
import type { LedgerRow, Loss, RecordedTexts } from '../../../src/core/observed.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { planDowngrade } from '../../../src/core/planners/downgrade.ts';
import { historyOf } from '../../../src/core/planners/upgrade.ts';
import type { Service } from '../../../src/core/project.ts';
import type { Revision } from '../../../src/core/revision.ts';
import { createSqlText } from '../../../src/core/sql/sql-text.ts';
import { applied, database, nothing, planText, revision, revisions, row, service } from '../support.ts';

const auth = service('auth');
const three = revisions('001_a -> 002_b -> 003_c');

function withDown(
  name: string,
  text: string,
  parents: readonly string[] = [],
  fields: Partial<Revision> = {},
): Revision {
  const file = `/project/${name}.down.sql`;
  const down = createSqlText({ file, shownFile: file, text, checksum: `sum of ${text}`, transaction: undefined });
  return revision(name, parents, { down, ...fields });
}

interface Sketch {
  readonly service: Service;
  readonly revisions: readonly Revision[];
  readonly rows: readonly LedgerRow[];
  readonly seeds?: readonly Revision[];
  readonly recorded?: readonly RecordedTexts[];
  readonly tables?: Loss['tables'];
}

function plan(target: string, selected: readonly Sketch[], others: readonly Sketch[] = []): Plan {
  const all = [...selected, ...others];
  const services = new Map(
    all.map((one) => [one.service.name, { database: database(one.service, one.rows), container: undefined }]),
  );
  return planDowngrade(
    {
      services: selected.map((one) => one.service),
      target,
      histories: new Map(all.map((one) => [one.service.name, historyOf(one.revisions, one.seeds ?? [])])),
      others: others.map((one) => one.service),
      recorded: new Map(
        all.map((one) => [one.service.name, new Map((one.recorded ?? []).map((text) => [text.name, text]))]),
      ),
      tables: new Map(all.map((one) => [one.service.name, one.tables ?? []])),
    },
    { services },
  );
}

function one(target: string, sketch: Partial<Sketch> = {}): Plan {
  return plan(target, [{ service: auth, revisions: three, rows: applied(three), ...sketch }]);
}

function failureOf(made: Plan): { readonly code: string; readonly details: object } | undefined {
  return made.refusals[0]?.failure as { code: string; details: object } | undefined;
}

describe('downgrade', () => {
  test('reverts children before their parents, under the lock', () => {
    expect(planText(one('001'))).toBe(`
auth/authdb  acquire-lock  because one writer at a time
auth/authdb  revert-revision 003_c  because it is above 001  after auth/acquire-lock
auth/authdb  revert-revision 002_b  because it is above 001  after auth/revert-revision/revision/003_c
auth/authdb  release-lock  because the database is done  after auth/revert-revision/revision/002_b
`);
  });

  test('-1 reverts the head, base everything, the head nothing', () => {
    expect(planText(one('-1')).match(/revert-revision \w+/g)).toEqual(['revert-revision 003_c']);
    expect(planText(one('base')).match(/revert-revision \w+ {2}/g)).toHaveLength(3);
    expect(planText(one('head'))).toBe('\n\n');
  });

  test('goes along the ledger: a revision of a branch that is not above the target goes too', () => {
    const list = revisions('001_a -> 002_b, 001_a -> 002_c');
    const made = planText(one('002_b', { revisions: list, rows: applied(list) }));
    expect(made.match(/revert-revision \w+/g)).toEqual(['revert-revision 002_c']);
  });

  test('to what is not applied is refused, and so is what nobody has', () => {
    expect(failureOf(one('003', { rows: applied(three.slice(0, 2)) }))).toMatchObject({
      code: 'revision-not-applied',
      details: { revision: '003_c', heads: ['002_b'] },
    });
    expect(failureOf(one('007'))).toMatchObject({ code: 'revision-not-found' });
    const absent = { services: new Map([['auth', { database: nothing(auth), container: undefined }]]) };
    const request = { services: [auth], target: 'base', others: [], recorded: new Map(), tables: new Map() };
    const histories = new Map([['auth', historyOf(three, [])]]);
    expect(failureOf(planDowngrade({ ...request, histories }, absent))).toMatchObject({ code: 'database-missing' });
  });

  test('says what data goes: tables, columns and rows that the down text names, with the rows that are there', () => {
    const list = [
      withDown('001_a', 'DROP TABLE IF EXISTS users, "Odd Name" CASCADE;'),
      withDown('002_b', 'ALTER TABLE public.users DROP COLUMN email, DROP CONSTRAINT x, ALTER c DROP NOT NULL;', [
        '001_a',
      ]),
      withDown('003_c', '-- drop table nothing;\nDELETE FROM logs;\nDROP SCHEMA billing CASCADE', ['002_b']),
    ];
    const tables = [
      { name: 'users', rows: 12, exact: true },
      { name: 'logs', rows: 5000, exact: false },
      { name: 'billing.invoices', rows: 3, exact: true },
    ];
    expect(planText(one('base', { revisions: list, rows: applied(list), tables })).match(/\[.*\]/g)).toEqual([
      '[drops rows logs: about 5000 rows] [drops table billing.invoices: 3 rows]',
      '[drops column users.email: 12 rows]',
      '[drops table users: 12 rows] [drops table Odd Name: not there]',
    ]);
  });
});

describe('downgrade is refused before anything runs', () => {
  test('where a revision has no down; an empty down is one', () => {
    const list = [revision('001_a', [], { down: undefined }), withDown('002_b', '', ['001_a'])];
    expect(failureOf(one('base', { revisions: list, rows: applied(list) }))).toMatchObject({
      code: 'revision-without-down',
      details: { revisions: ['001_a'] },
    });
    expect(one('001', { revisions: list, rows: applied(list) }).refusals).toEqual([]);
  });

  test('where one is marked irreversible, with its reason, even if it has a down', () => {
    const list = [withDown('001_a', 'SELECT 1', [], { irreversible: 'the old values are gone' })];
    expect(failureOf(one('base', { revisions: list, rows: applied(list) }))).toMatchObject({
      code: 'revision-irreversible',
      details: { revisions: [{ name: '001_a', reason: 'the old values are gone' }] },
    });
  });

  test('where one stopped half way, and where a down text could not run', () => {
    const rows = [row(three[0] as Revision), row(three[1] as Revision, { state: 'started', statementsDone: 2 })];
    expect(failureOf(one('base', { rows }))).toMatchObject({
      code: 'revision-interrupted',
      details: { direction: 'up' },
    });
    const list = [withDown('001_a', 'SELECT 1; COMMIT; SELECT 2')];
    expect(failureOf(one('base', { revisions: list, rows: applied(list) }))).toMatchObject({
      code: 'revision-invalid',
    });
  });

  test('in all services, where one of them cannot go back', () => {
    const bad = { service: service('bad'), revisions: [], rows: applied([revision('001_a', [], { down: undefined })]) };
    const made = plan('base', [{ service: auth, revisions: three, rows: applied(three) }, bad]);
    expect(made.steps).toEqual([]);
    expect(made.refusals).toHaveLength(1);
  });
});

describe('the down text is the one with which the revision was applied', () => {
  const old = withDown('001_a', 'DROP TABLE old');
  const texts = (fields: Partial<RecordedTexts> = {}): RecordedTexts => ({
    name: '001_a',
    upFile: '001_a.up.sql',
    downFile: '001_a.down.sql',
    up: '',
    down: 'DROP TABLE old',
    ...fields,
  });
  const textOf = (made: Plan): string | undefined =>
    made.steps.flatMap((step) => (step.kind === 'revert-revision' ? (step.revision.down?.text ?? '(none)') : []))[0];

  test('where the file has changed since, or is gone; and the plan says so', () => {
    const changed = one('base', {
      revisions: [withDown('001_a', 'DROP TABLE new')],
      rows: applied([old]),
      recorded: [texts()],
    });
    expect(textOf(changed)).toBe('DROP TABLE old');
    expect(planText(changed)).toContain(
      '001_a (as recorded) [drops table old: not there]  because its file has changed',
    );
    const gone = one('base', { revisions: [], rows: applied([old]), recorded: [texts()] });
    expect(textOf(gone)).toBe('DROP TABLE old');
    expect(planText(gone)).toContain('because its file is gone');
  });

  test('and the file serves where only the up text has changed, or the down was written later', () => {
    const up = { ...revision('001_a').up, checksum: 'another' };
    expect(
      planText(one('base', { revisions: [{ ...old, up }], rows: applied([old]), recorded: [texts()] })),
    ).not.toContain('as recorded');
    const later = one('base', {
      revisions: [old],
      rows: [row(old, { downChecksum: undefined, downFile: undefined })],
      recorded: [texts({ down: undefined })],
    });
    expect(planText(later)).toContain('because its down was written after it was applied');
  });

  test('and where it was too long to be kept, the downgrade is refused', () => {
    const lost = one('base', { revisions: [], rows: applied([old]), recorded: [texts({ down: undefined })] });
    expect(failureOf(lost)).toMatchObject({
      code: 'down-not-recorded',
      details: { revision: '001_a', checksum: 'sum of DROP TABLE old' },
    });
  });

  test('and so is the mark that it is irreversible', () => {
    const recorded = [texts({ up: '-- orch: irreversible gone for good\nSELECT 1' })];
    expect(failureOf(one('base', { revisions: [], rows: applied([old]), recorded }))).toMatchObject({
      code: 'revision-irreversible',
    });
  });
});

describe('seeds', () => {
  const kept = revision('001_demo', [], { kind: 'seed', down: undefined });
  const undone = { ...withDown('002_more', 'DELETE FROM users'), kind: 'seed' as const };
  const sketch = { seeds: [kept, undone], rows: [...applied(three), ...applied([kept, undone])] };

  test('with a down go before the revisions; those without stay until base, where their rows are gone', () => {
    expect(planText(one('002', sketch)).match(/revert-revision \w+( \(seed\))?/g)).toEqual([
      'revert-revision 002_more (seed)',
      'revert-revision 003_c',
    ]);
    expect(
      planText(one('base', sketch))
        .match(/revert-revision \w+( \(seed\))?/g)
        ?.slice(0, 2),
    ).toEqual(['revert-revision 002_more (seed)', 'revert-revision 001_demo (seed)']);
  });
});

describe('what other services require', () => {
  const user = service('user');
  const links = revision('001_links', [], { requires: [{ service: 'auth', revision: '002' }] });
  const requiring = { service: user, revisions: [links], rows: applied([links]) };
  const required = { service: auth, revisions: three, rows: applied(three) };

  test('is reverted only after those', () => {
    const steps = plan('base', [required, requiring]).steps.map(({ id }) => id);
    expect(steps.indexOf('user/revert-revision/revision/001_links')).toBeLessThan(
      steps.indexOf('auth/revert-revision/revision/002_b'),
    );
    const waiting = plan('base', [required, requiring]).steps.find(({ id }) => id.endsWith('002_b'));
    expect(waiting?.after).toContain('user/revert-revision/revision/001_links');
  });

  test('stays, if they stay', () => {
    expect(failureOf(plan('001', [required], [requiring]))).toMatchObject({
      code: 'revision-required',
      details: { revision: '002_b', by: [{ service: 'user', revision: '001_links' }] },
    });
    expect(plan('002', [required], [requiring]).refusals).toEqual([]);
  });
});
