import { describe, expect, it } from 'vitest';
import { type Gate, holdGate } from '../support/gate.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { type PsqlEnd, psql, startPsql } from '../support/psql.ts';
import { expectFault, run } from './support.ts';

const NEXT = 'DELETE FROM t WHERE i = 9;';

/** A project with table `t` applied, a second revision outside a transaction, and the script that applies that. */
async function scriptOf(text: string): Promise<{ project: ProjectFolder; script: string }> {
  const project = await makeProject({ api: { revisions: { '001_t.up.sql': 'CREATE TABLE t (i int)' } } });
  expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  await project.sql('api', `GRANT ${project.app('api')} TO ${project.owner('api')}`);
  await project.sql('api', `GRANT ALL ON t TO ${project.app('api')}`);
  await project.write(
    'api/revisions/002_o.up.sql',
    `-- orch: transaction none\n${text.replaceAll('{app}', project.app('api'))}`,
  );
  return { project, script: await scriptFrom(project) };
}

async function scriptFrom(project: ProjectFolder): Promise<string> {
  const { code, stdout, output } = await run(project, ['sql', '001:']);
  expect(code, output).toBe(0);
  return stdout;
}

async function runScript(project: ProjectFolder, script: string): Promise<PsqlEnd> {
  return await psql(project.postgres, project.database('api'), script);
}

async function rowOf(project: ProjectFolder): Promise<unknown> {
  const [row] = await project.sql('api', "SELECT state, statements_done AS done FROM orch.ledger WHERE name = '002_o'");
  return row;
}

async function numbers(project: ProjectFolder): Promise<readonly unknown[]> {
  return (await project.sql<{ i: number }>('api', 'SELECT i FROM t ORDER BY i')).map(({ i }) => i);
}

/** psql is killed where its session waits at the gate, and the server has ended that session. */
async function killAt(project: ProjectFolder, script: string, gate: Gate): Promise<void> {
  const running = startPsql(project.postgres, project.database('api'), script);
  const pid = await gate.waiter();
  running.kill();
  await running.ended;
  await project.sql('api', `SELECT pg_terminate_backend(${pid}, 20000)`);
}

/** Whoever records that a statement of the second revision is done waits at the gate, once it is that statement. */
async function gateRecord(project: ProjectFolder, gate: Gate, statement: number): Promise<void> {
  const call = gate.sql.replace('SELECT', 'PERFORM');
  await project.sql(
    'api',
    `CREATE FUNCTION public.at_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
       IF NEW.statements_done = ${statement} AND OLD.statements_done < ${statement} THEN ${call} END IF; RETURN NEW; END $$`,
  );
  await project.sql(
    'api',
    'CREATE TRIGGER at_gate BEFORE UPDATE ON orch.ledger FOR EACH ROW EXECUTE FUNCTION public.at_gate()',
  );
}

async function openRecord(project: ProjectFolder, gate: Gate): Promise<void> {
  await gate.open();
  await project.sql('api', 'DROP TRIGGER at_gate ON orch.ledger');
}

describe('psql killed at the record of a statement outside a transaction', () => {
  it.each([
    ['a plain one', 'INSERT INTO t VALUES (1);', 1],
    ['COPY', 'COPY t FROM STDIN;\n1\n\\.\n', 1],
    ['the COMMIT of its own block', 'BEGIN; INSERT INTO t VALUES (1); COMMIT;', 3],
    ['one of a chain', 'BEGIN; INSERT INTO t VALUES (1); COMMIT AND CHAIN; COMMIT;', 3],
    ['a block of code', "DO $$ BEGIN EXECUTE 'INSERT INTO t VALUES (1)'; END $$;", 1],
  ])('%s: it is not done, and the next run does it once', async (_, text, statement) => {
    const { project, script } = await scriptOf(`${text}\n${NEXT}`);
    const gate = await holdGate(project, 'api');
    await gateRecord(project, gate, statement);
    await killAt(project, script, gate);
    expect(await numbers(project)).toEqual([]);
    expect(await rowOf(project)).toEqual({ state: 'started', done: text.startsWith('BEGIN') ? 0 : statement - 1 });
    await openRecord(project, gate);
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await numbers(project)).toEqual([1]);
  });

  it('a procedure that commits: it is announced, and the next run asks', async () => {
    const { project, script } = await scriptOf(`CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (2); END $$;
CALL fill();`);
    const gate = await holdGate(project, 'api');
    await gateRecord(project, gate, 2);
    await killAt(project, script, gate);
    await openRecord(project, gate);
    expect(await numbers(project)).toEqual([1, 2]);
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: 'nobody knows whether statement 2 of 002_o was done',
      now: 'the ledger has 002_o as started',
      next: 'orch migrate --service api --unclear done',
    });
    expect(await run(project, ['migrate', '--unclear', 'done'])).toMatchObject({ code: 0 });
    expect(await numbers(project)).toEqual([1, 2]);
  });
});

describe('a script over a revision that is half done', () => {
  it('refuses, because it would run statements again, and migrate goes on', async () => {
    const { project, script } = await scriptOf(
      'INSERT INTO t VALUES (1);\nINSERT INTO t SELECT 2 / i FROM t WHERE i = 0;\nSELECT 1 / (SELECT count(*) FROM t WHERE i = 9);',
    );
    expect(await runScript(project, script)).toEqual({ code: 3, output: expect.stringContaining('division by zero') });
    expect(await rowOf(project)).toEqual({ state: 'started', done: 2 });
    const again = await runScript(project, script);
    expect(again).toEqual({ code: 3, output: expect.stringContaining('002_o is half done') });
    expect(again.output).toContain('orch migrate goes on');
    expect(await numbers(project)).toEqual([1]);
    await project.sql('api', 'INSERT INTO t VALUES (9)');
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    expect(await numbers(project)).toEqual([1, 9]);
  });

  it('runs where none of its statements is done', async () => {
    const { project, script } = await scriptOf('INSERT INTO t SELECT 1 / count(*) FROM t;\nDELETE FROM t WHERE i = 7;');
    expect(await runScript(project, script)).toEqual({ code: 3, output: expect.stringContaining('division by zero') });
    await project.sql('api', 'INSERT INTO t VALUES (7)');
    expect(await runScript(project, script)).toEqual({ code: 0, output: '' });
    expect(await numbers(project)).toEqual([1]);
    expect(await rowOf(project)).toEqual({ state: 'applied', done: 2 });
  });
});

it('records a statement whatever the text has set: role, session, time-outs, read-only, search path', async () => {
  const { project, script } = await scriptOf(`SET ROLE {app};
INSERT INTO t VALUES (1);
RESET ROLE;
SET SESSION AUTHORIZATION {app};
INSERT INTO t VALUES (4);
RESET SESSION AUTHORIZATION;
SET statement_timeout = '1h';
SET search_path = pg_catalog;
INSERT INTO public.t VALUES (2);
SET default_transaction_read_only = on;
SET default_transaction_read_only = off;
INSERT INTO public.t VALUES (3);`);
  expect(await runScript(project, script)).toEqual({ code: 0, output: '' });
  expect(await rowOf(project)).toEqual({ state: 'applied', done: 12 });
  expect(await numbers(project)).toEqual([1, 2, 3, 4]);
});
