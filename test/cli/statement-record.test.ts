import { describe, expect, it } from 'vitest';
import { readLog } from '../support/canary.ts';
import { holdGate } from '../support/gate.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectClean, expectFault, run, start } from './support.ts';

const PROCEDURE =
  'CREATE PROCEDURE fill(last int) LANGUAGE plpgsql AS $$ BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (last); END $$;';

/** A project with table `t` applied, and a second revision outside a transaction that is not. */
async function projectWith(text: (project: ProjectFolder) => string): Promise<ProjectFolder> {
  const project = await makeProject({ api: { revisions: { '001_t.up.sql': 'CREATE TABLE t (i int)' } } });
  expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  await project.sql('api', `GRANT ${project.app('api')} TO ${project.owner('api')}`);
  await project.sql('api', `GRANT ALL ON t TO ${project.app('api')}`);
  await project.write('api/revisions/002_o.up.sql', `-- orch: transaction none\n${text(project)}`);
  return project;
}

async function rowOf(project: ProjectFolder): Promise<unknown> {
  const [row] = await project.sql('api', "SELECT state, statements_done AS done FROM orch.ledger WHERE name = '002_o'");
  return row;
}

/** What the ledger says to be done: set as a run leaves it that ended at that moment. */
async function leaveAt(project: ProjectFolder, done: number, announced?: number): Promise<void> {
  await project.sql('api', `UPDATE orch.ledger SET state = 'started', statements_done = ${done} WHERE name = '002_o'`);
  if (announced === undefined) return;
  await project.sql(
    'api',
    `INSERT INTO orch.log (run_id, action, outcome, revision, duration_ms, host, orch_version, message)
     VALUES (gen_random_uuid(), 'apply', 'announced', '002_o', 0, 'test', '0', '${announced}')`,
  );
}

describe('a statement outside a transaction', () => {
  it('is recorded whatever the text has set: role, session, time-outs, read-only, search path', async () => {
    const project = await projectWith(
      (made) => `SET ROLE ${made.app('api')};
INSERT INTO t VALUES (1);
RESET ROLE;
SET statement_timeout = '1h';
SET search_path = pg_catalog;
INSERT INTO public.t VALUES (2);
SET default_transaction_read_only = on;
SELECT count(*) FROM public.t;
BEGIN; SELECT 1; COMMIT;
SET default_transaction_read_only = off;
INSERT INTO public.t VALUES (3);`,
    );
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await rowOf(project)).toEqual({ state: 'applied', done: 13 });
    expect(await project.sql('api', 'SELECT i FROM t ORDER BY i')).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }]);
  });

  it('keeps the role that the text has set for its deferred triggers', async () => {
    const project = await projectWith(
      (made) => `CREATE TABLE seen (who text);
GRANT ALL ON seen TO ${made.app('api')};
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.seen VALUES (current_user); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION see();
SET ROLE ${made.app('api')};
INSERT INTO t VALUES (1);
BEGIN; INSERT INTO t VALUES (2); COMMIT;
CREATE TEMP TABLE mine AS SELECT current_user AS who;
RESET ROLE;
INSERT INTO seen SELECT who FROM mine;`,
    );
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const who = project.app('api');
    expect(await project.sql('api', 'SELECT who FROM seen')).toEqual([{ who }, { who }, { who }]);
  });

  it('that a deferred constraint refuses leaves nothing, and is named', async () => {
    const project = await projectWith(
      () => `ALTER TABLE t ADD UNIQUE (i) DEFERRABLE INITIALLY DEFERRED;
INSERT INTO t VALUES (1), (1);`,
    );
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: [/23505/, '002_o.up.sql:3:1', 'INSERT INTO t'],
      now: '1 statement before it stays; the next run goes on with statement 2',
      next: 'orch migrate',
    });
    expect(await rowOf(project)).toEqual({ state: 'started', done: 1 });
    expect(await project.sql('api', 'SELECT FROM t')).toEqual([]);
  });

  it('that ends transactions itself is announced, and runs', async () => {
    const project = await projectWith(
      () => `${PROCEDURE}
CALL fill(2);
DO $$ BEGIN INSERT INTO t VALUES (3); COMMIT; END $$;
COPY t FROM STDIN;
4
\\.
`,
    );
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT i FROM t ORDER BY i')).toEqual([1, 2, 3, 4].map((i) => ({ i })));
    expect(await rowOf(project)).toEqual({ state: 'applied', done: 4 });
    const log = (await readLog(project, 'api')).filter((entry) => entry.includes('announced'));
    expect(log).toEqual(['apply announced 002_o', 'apply announced 002_o']);
  });

  it('that was announced and then refused may be mended, and is run again without a question', async () => {
    const project = await projectWith(() => `${PROCEDURE}\nCALL fill(1/0);`);
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: 'division by zero',
      now: 'goes on with statement 2',
      next: 'orch migrate',
    });
    const text = `-- orch: transaction none\n${PROCEDURE}\nDO $$ BEGIN PERFORM 1/0; COMMIT; END $$;`;
    await project.write('api/revisions/002_o.up.sql', text);
    expectFault(await run(project, ['migrate']), { code: 6, happened: 'division by zero', now: '', next: 'migrate' });
    await project.write('api/revisions/002_o.up.sql', text.replace('1/0', '1'));
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });

  it('that another run has recorded meanwhile is rolled back', async () => {
    const project = await projectWith(
      () => 'INSERT INTO t SELECT 1 FROM pg_advisory_xact_lock(7001);\nINSERT INTO t VALUES (2);',
    );
    const gate = await holdGate(project, 'api');
    const running = start(project, ['migrate']);
    await gate.waiter();
    await project.sql('api', "UPDATE orch.ledger SET statements_done = 1 WHERE name = '002_o'");
    await gate.open();
    const ended = await running.ended;
    expectClean(ended);
    // The run looks again, and goes on behind what the other one has done.
    expect(ended).toMatchObject({ code: 0 });
    expect(await rowOf(project)).toEqual({ state: 'applied', done: 2 });
    expect(await project.sql('api', 'SELECT i FROM t')).toEqual([{ i: 2 }]);
  });
});

describe('a statement that was announced by a run which then ended', () => {
  const text = (): string => `${PROCEDURE}\nCALL fill(2);\nINSERT INTO t VALUES (3);`;

  async function interrupted(): Promise<ProjectFolder> {
    const project = await projectWith(text);
    await run(project, ['migrate']);
    await project.sql('api', 'DELETE FROM t');
    await leaveAt(project, 1, 2);
    return project;
  }

  it('is not run: nobody knows whether it was done; plan says so too', async () => {
    const project = await interrupted();
    const plan = await run(project, ['plan']);
    expect(plan.stdout).toMatch(/apply 002_o .* whether its statement 2 was done is not known/);
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: ['nobody knows whether statement 2 of 002_o was done', 'api/revisions/002_o.up.sql:3:1'],
      now: 'the ledger has 002_o as started; nothing was done now',
      next: ['orch migrate --service api --unclear done', 'orch migrate --service api --unclear again'],
    });
    expect(await project.sql('api', 'SELECT FROM t')).toEqual([]);
  });

  it('is passed over with --unclear done', async () => {
    const project = await interrupted();
    const plan = await run(project, ['plan', '--unclear', 'done']);
    expect(plan.stdout).toMatch(/from statement 3 on +its statement 2 is unclear, and --unclear done was given/);
    expect(await run(project, ['migrate', '--unclear', 'done'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT i FROM t')).toEqual([{ i: 3 }]);
    expect(await rowOf(project)).toEqual({ state: 'applied', done: 3 });
  });

  it('is run once more with --unclear again', async () => {
    const project = await interrupted();
    expect(await run(project, ['migrate', '--unclear', 'again'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT i FROM t ORDER BY i')).toEqual([{ i: 1 }, { i: 2 }, { i: 3 }]);
  });

  it('is no question where it was recorded after all', async () => {
    const project = await interrupted();
    await leaveAt(project, 2);
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT i FROM t')).toEqual([{ i: 3 }]);
  });

  it('is asked for on the way down too', async () => {
    const project = await projectWith(text);
    await project.write(
      'api/revisions/002_o.down.sql',
      '-- orch: transaction none\nDROP PROCEDURE fill;\nDO $$ BEGIN DELETE FROM t; COMMIT; END $$;\nSELECT 1;',
    );
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    await project.sql('api', 'DROP PROCEDURE fill');
    await project.sql('api', "UPDATE orch.ledger SET state = 'reverting', statements_done = 1 WHERE name = '002_o'");
    await project.sql(
      'api',
      `INSERT INTO orch.log (run_id, action, outcome, revision, duration_ms, host, orch_version, message)
       VALUES (gen_random_uuid(), 'revert', 'announced', '002_o', 0, 'test', '0', '2')`,
    );
    expectFault(await run(project, ['downgrade', '001', '--yes']), {
      code: 6,
      happened: ['nobody knows whether statement 2 of the down of 002_o was done', '002_o.down.sql:3:1'],
      now: 'the ledger has 002_o as reverting',
      next: 'orch downgrade --service api 002_o-1 --unclear done',
    });
    expect(await run(project, ['downgrade', '002_o-1', '--yes', '--unclear', 'done'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT FROM t')).toHaveLength(3);
    expect(await rowOf(project)).toBeUndefined();
  });
});
