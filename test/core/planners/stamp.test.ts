import { describe, expect, test } from 'vitest';
import type { LedgerRow } from '../../../src/core/observed.ts';
import type { Plan } from '../../../src/core/plan.ts';
import { planAccept } from '../../../src/core/planners/accept.ts';
import { planProject } from '../../../src/core/planners/project-plan.ts';
import { planStamp } from '../../../src/core/planners/stamp.ts';
import { historyOf } from '../../../src/core/planners/upgrade.ts';
import type { Revision } from '../../../src/core/revision.ts';
import { applied, database, nothing, planText, revision, revisions, row, service } from '../support.ts';

const auth = service('auth');
const three = revisions('001_a -> 002_b -> 003_c');
const seen = (rows: readonly LedgerRow[] | undefined) => ({
  services: new Map([['auth', { database: database(auth, rows), container: undefined }]]),
});
const files = (list: readonly Revision[]) => new Map([['auth', historyOf(list, [])]]);
const failureOf = (made: Plan): object | undefined => made.refusals[0]?.failure;

function stamp(
  target: string,
  rows: readonly LedgerRow[] | undefined,
  fields: { purge?: boolean; list?: readonly Revision[] } = {},
): Plan {
  const request = { services: [auth], target, reason: 'taken over', purge: fields.purge === true };
  return planStamp({ ...request, histories: files(fields.list ?? three) }, seen(rows));
}

describe('stamp', () => {
  test('writes what the target holds, and creates the ledger where there is none', () => {
    expect(planText(stamp('002', undefined))).toBe(`
auth/authdb  acquire-lock  because one writer at a time
auth/authdb  create-ledger  because the database has none  after auth/acquire-lock
auth/authdb  stamp +001_a +002_b  because taken over  after auth/create-ledger
auth/authdb  release-lock  because the database is done  after auth/stamp
`);
  });

  test('takes out what the target does not hold, and does nothing where the ledger is right', () => {
    expect(planText(stamp('001', applied(three)))).toContain('stamp -002_b -003_c');
    expect(planText(stamp('-1', applied(three)))).toContain('stamp -003_c');
    expect(planText(stamp('head', applied(three)))).toBe('\n\n');
  });

  test('is refused where an applied revision has no file; --purge writes all of it anew', () => {
    const rows = applied([revision('000_gone'), ...three.slice(0, 1)]);
    expect(failureOf(stamp('002', rows))).toMatchObject({ code: 'history-conflict' });
    expect(planText(stamp('002', rows, { purge: true }))).toContain('stamp +001_a +002_b -000_gone -001_a');
  });

  test('needs a database', () => {
    const request = { services: [auth], target: 'head', purge: false, reason: undefined, histories: files(three) };
    const absent = { services: new Map([['auth', { database: nothing(auth), container: undefined }]]) };
    expect(failureOf(planStamp(request, absent))).toMatchObject({ code: 'database-missing' });
  });
});

describe('accept', () => {
  const accept = (name: string, rows: readonly LedgerRow[], list: readonly Revision[] = three): Plan =>
    planAccept({ services: [auth], revision: name, reason: 'a typo in a comment', histories: files(list) }, seen(rows));
  const changed = [row(three[0] as Revision, { checksum: 'other' }), ...applied(three.slice(1))];

  test('takes over a changed file, or that a file is gone', () => {
    expect(planText(accept('1', changed))).toContain('accept-revision 001_a  because a typo in a comment');
    expect(planText(accept('000', [...applied([revision('000_gone')]), ...applied(three)]))).toContain(
      'accept-revision 000_gone (file gone)',
    );
  });

  test('is refused where there is nothing to accept', () => {
    expect(failureOf(accept('002', changed))).toMatchObject({ details: { why: 'unchanged' } });
    expect(failureOf(accept('003', applied(three.slice(0, 2))))).toMatchObject({ details: { why: 'not-applied' } });
    expect(failureOf(accept('002', applied([three[0], three[2]] as Revision[])))).toMatchObject({
      details: { why: 'out-of-order' },
    });
    expect(failureOf(accept('007', changed))).toMatchObject({ code: 'revision-not-found' });
  });

  test('what was accepted is no verdict any more', () => {
    const gone = [row(revision('000_gone'), { fileGone: true }), ...applied(three)];
    const plan = planProject(
      { goal: 'migrate', services: [auth], target: 'head', histories: files(three) },
      seen(gone),
    );
    expect(planText(plan)).toBe('\n\n');
  });
});

describe('a revision that came in below an applied one', () => {
  const [first, second, third] = three as readonly [Revision, Revision, Revision];
  // As the ledger has it: 003 was applied when there was no 002.
  const rows: readonly LedgerRow[] = [...applied([first]), row(third, { parents: ['001_a'] })];
  const migrate = (allowOutOfOrder: boolean, found = rows, list: readonly Revision[] = [first, second, third]): Plan =>
    planProject(
      { goal: 'migrate', services: [auth], target: 'head', histories: files(list), options: { allowOutOfOrder } },
      seen(found),
    );

  test('is a verdict, and never skipped silently', () => {
    expect(failureOf(migrate(false))).toMatchObject({
      code: 'history-conflict',
      details: { verdicts: [{ kind: 'out-of-order', revision: '002_b', head: '003_c' }] },
    });
  });

  test('is applied with --allow-out-of-order, and the ledger records the new order', () => {
    expect(planText(migrate(true))).toBe(`
auth/authdb  acquire-lock  because one writer at a time
auth/authdb  apply-revision 002_b  because it came in below 003_c, and --allow-out-of-order was given  after auth/acquire-lock
auth/authdb  relink-revisions 003_c behind 002_b  because a revision came in below them  after auth/apply-revision/revision/002_b
auth/authdb  release-lock  because the database is done  after auth/relink-revisions
`);
  });

  test('an order that was not recorded, because that run was killed, is recorded by the next', () => {
    const late = [...rows, ...applied([second])];
    expect(planText(migrate(false, late))).toContain('relink-revisions 003_c behind 002_b');
    expect(planText(migrate(false, applied([first, second, third])))).toBe('\n\n');
  });

  test('what is gone from the files stays a parent', () => {
    const gone = [...applied([first]), row(second, { fileGone: true }), ...applied([third])];
    const list = [first, { ...third, parents: ['001_a'] }];
    const made = planText(migrate(false, gone, list));
    expect(made).toContain('relink-revisions 003_c behind 001_a and 002_b');
  });
});
