import { describe, expect, it } from 'vitest';
import { findRunning } from '../support/blocked.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, run, start, until } from './support.ts';

const doubled = { '001_t.up.sql': 'CREATE TABLE t (i int); INSERT INTO t VALUES (1), (1);' };
const unique = 'CREATE UNIQUE INDEX CONCURRENTLY t_u ON t (i);';

/** Indexes besides those of `orch`, and whether they are valid. */
async function indexes(project: ProjectFolder): Promise<Readonly<Record<string, boolean>>> {
  const rows = await project.sql<{ name: string; valid: boolean }>(
    'api',
    `SELECT c.relname AS name, i.indisvalid AS valid FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
     WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1`,
  );
  return Object.fromEntries(rows.map(({ name, valid }) => [name, valid]));
}

async function state(project: ProjectFolder): Promise<unknown> {
  const rows = await project.sql('api', 'SELECT name, state, statements_done AS done FROM orch.ledger ORDER BY name');
  return rows.at(-1);
}

/** A project whose second revision has left an INVALID index of its own. */
async function withLeftover(text: string): Promise<ProjectFolder> {
  const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': text } } });
  expect((await run(project, ['migrate'])).code).toBe(6);
  expect(Object.values(await indexes(project))).toContain(false);
  return project;
}

/** Tables with indexes in two schemas, one of them with a TOAST table. */
const wide = `CREATE SCHEMA "My App"; CREATE TABLE "My App"."T" (i int, t text); CREATE INDEX "T_n" ON "My App"."T" (i);
CREATE TABLE other (i int); CREATE INDEX other_n ON other (i);`;
const FOREIGN = 'public.other_n_ccnew';

async function leftovers(project: ProjectFolder): Promise<readonly string[]> {
  const rows = await project.sql<{ name: string }>(
    'api',
    "SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace WHERE NOT i.indisvalid ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

/** Keeps a transaction with this statement open. @returns what ends it */
async function block(project: ProjectFolder, statement: string): Promise<() => Promise<void>> {
  const blocker = project.sql('api', `BEGIN; ${statement}; SELECT pg_sleep(600)`).catch(() => undefined);
  const pid = await findRunning(project, 'api', `${statement}; SELECT pg_sleep`);
  return async () => {
    await project.sql(undefined, `SELECT pg_terminate_backend(${pid})`);
    await blocker;
  };
}

/** As another session of somebody's, that gave up, leaves it. */
async function leaveForeign(project: ProjectFolder): Promise<void> {
  const release = await block(project, 'INSERT INTO other VALUES (2)');
  const owner = project.database('api');
  await project.sql(undefined, `ALTER DATABASE ${owner} SET statement_timeout = '300ms'`);
  await expect(project.sql('api', 'REINDEX INDEX CONCURRENTLY other_n')).rejects.toThrow('statement timeout');
  await project.sql(undefined, `ALTER DATABASE ${owner} RESET statement_timeout`);
  await release();
}

/** Leaves the ledger as a run leaves it that was killed before it recorded: what is logged as begun stays. */
async function forget(project: ProjectFolder, done = 0): Promise<void> {
  await project.sql('api', `UPDATE orch.ledger SET state = 'started', statements_done = ${done} WHERE name = '002_i'`);
  await project.sql(
    'api',
    "ALTER TABLE orch.log DISABLE TRIGGER append_only; DELETE FROM orch.log WHERE outcome = 'succeeded' AND revision = '002_i'; ALTER TABLE orch.log ENABLE TRIGGER append_only",
  );
}

describe('an INVALID index that a failed build of ours left', () => {
  it('is said to be dropped by the next run, which drops it and builds it again', async () => {
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': unique } } });
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: 'could not create unique index',
      now: 'no statement of it is done',
      next: /orch migrate --service api {2}# drops the INVALID index that the failed build left, and builds it again/,
    });
    expect(await indexes(project)).toEqual({ t_u: false });
    await project.sql('api', 'DELETE FROM t WHERE ctid = (SELECT min(ctid) FROM t)');
    const ended = await run(project, ['migrate']);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain(
      'warning: public.t_u was left INVALID by an earlier try: it is dropped and built again',
    );
    expect(await indexes(project)).toEqual({ t_u: true });
    expect(await state(project)).toEqual({ name: '002_i', state: 'applied', done: 1 });
  });

  it('is not passed over by IF NOT EXISTS', async () => {
    const project = await withLeftover('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_u ON t (i);');
    await project.sql('api', 'DELETE FROM t');
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_u: true });
  });

  it('is dropped also where the server chose its name', async () => {
    const project = await withLeftover('CREATE UNIQUE INDEX CONCURRENTLY ON t (i);');
    await project.sql('api', 'DELETE FROM t');
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_i_idx: true });
  });

  it('is found under the search path and the quotes of its file', async () => {
    const text = `SET search_path = "My App";\nCREATE UNIQUE INDEX CONCURRENTLY "T u" ON "T" (i);`;
    const before =
      'CREATE SCHEMA "My App"; CREATE TABLE "My App"."T" (i int); INSERT INTO "My App"."T" VALUES (1), (1)';
    const project = await makeProject({
      api: { revisions: { '001_t.up.sql': before, '002_i.up.sql': `-- orch: transaction none\n${text}` } },
    });
    expect((await run(project, ['migrate'])).code).toBe(6);
    await project.sql('api', 'DELETE FROM "My App"."T"');
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(
      await project.sql('api', `SELECT indisvalid AS v FROM pg_index WHERE indexrelid = '"My App"."T u"'::regclass`),
    ).toEqual([{ v: true }]);
  });

  it('of REINDEX CONCURRENTLY is dropped, and the index is built anew', async () => {
    const text = 'REINDEX INDEX CONCURRENTLY t_n;';
    const first = { '001_t.up.sql': 'CREATE TABLE t (i int); CREATE INDEX t_n ON t (i); INSERT INTO t VALUES (1)' };
    const project = await makeProject({ api: { revisions: { ...first, '002_i.up.sql': text } } });
    await run(project, ['migrate', '001']);
    await project.write('api/revisions/002_i.up.sql', `-- orch: statement_timeout 300ms\n${text}`);
    const blocker = project.sql('api', 'BEGIN; INSERT INTO t VALUES (2); SELECT pg_sleep(600)').catch(() => undefined);
    const pid = await findRunning(project, 'api', 'pg_sleep(600)');
    expect((await run(project, ['migrate'])).code).toBe(6);
    await project.sql(undefined, `SELECT pg_terminate_backend(${pid})`);
    await blocker;
    expect(await indexes(project)).toEqual({ t_n: true, t_n_ccnew: false });
    await project.write('api/revisions/002_i.up.sql', text);
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_n: true });
  });

  it.each([
    ['SCHEMA CONCURRENTLY "My App"', 'schema "My App"'],
    ['(CONCURRENTLY) DATABASE %', 'database %'],
  ])('of REINDEX %s is found wherever it is, TOAST too, and dropped', async (what, place) => {
    const project = await makeProject({ api: { revisions: { '001_t.up.sql': wide } } });
    const text = `REINDEX ${what.replace('%', project.database('api'))};`;
    await run(project, ['migrate']);
    await leaveForeign(project);
    await project.write('api/revisions/002_i.up.sql', text);
    const release = await block(project, 'INSERT INTO "My App"."T" VALUES (2)');
    const interrupted = start(project, ['migrate']);
    // Both indexes of the table that is blocked are begun in one transaction.
    await until(async () => (await leftovers(project)).includes('"My App"."T_n_ccnew"'));
    const pid = await findRunning(project, 'api', text);
    await project.sql('api', `SELECT pg_cancel_backend(${pid})`);
    expect((await interrupted.ended).code).toBe(6);
    await release();
    const left = await leftovers(project);
    expect(left).toEqual([
      '"My App"."T_n_ccnew"',
      expect.stringMatching(/^pg_toast\.pg_toast_\d+_index_ccnew$/),
      FOREIGN,
    ]);
    const ended = await run(project, ['migrate']);
    expect(ended, ended.output).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain(
      'warning: "My App"."T_n_ccnew" was left INVALID by an earlier try: it is dropped and built again',
    );
    // What another session left, or is building, is not ours to drop; nor is a TOAST table's, but for a superuser.
    const [, toast] = left;
    expect(await leftovers(project)).toEqual([toast, FOREIGN]);
    const at = place.replace('%', project.database('api'));
    for (const index of what.includes('DATABASE') ? [toast, FOREIGN] : [toast]) {
      expect(ended.stderr).toContain(
        `${index} in ${at} was INVALID before, and still is: unless another session is building it (orch locks), a superuser takes it away: DROP INDEX CONCURRENTLY ${index};`,
      );
      await project.sql('api', `DROP INDEX CONCURRENTLY ${index}`);
    }
  });

  it('is named where the server says that all went well', async () => {
    const project = await makeProject({ api: { revisions: { '001_t.up.sql': wide } } });
    await run(project, ['migrate']);
    await project.write('api/revisions/002_i.up.sql', '\nREINDEX DATABASE CONCURRENTLY;');
    const release = await block(project, 'INSERT INTO "My App"."T" VALUES (2)');
    const running = start(project, ['migrate']);
    await until(async () => (await leftovers(project)).length > 0);
    await leaveForeign(project);
    await release();
    expectFault(await running.ended, {
      code: 6,
      happened: [
        `api: 002_i is not done: its statement left the index ${FOREIGN} of database ${project.database('api')} INVALID, and the server said that all is well`,
        '002_i.up.sql:2:1',
      ],
      now: 'statements before it stay',
      next: [
        `DROP INDEX CONCURRENTLY ${FOREIGN};  -- in ${project.database('api')}, unless`,
        'orch migrate --service api',
      ],
    });
    await project.sql('api', `DROP INDEX CONCURRENTLY ${FOREIGN}`);
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await leftovers(project)).toEqual([]);
  });

  it('of a TypeScript revision outside a transaction is dropped and built again', async () => {
    const code = `// orch: transaction none
export async function up({ query }) {
  await query('CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS t_u ON t (i)');
}`;
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.ts': code } } });
    expect((await run(project, ['migrate'])).code).toBe(6);
    expect(await indexes(project)).toEqual({ t_u: false });
    await project.sql('api', 'DELETE FROM t');
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_u: true });
  });
});

describe('an orch that is killed', () => {
  it('while it builds an index: the next run drops what is left and builds it once', async () => {
    const text = 'CREATE INDEX CONCURRENTLY t_i ON t (i);';
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': text } } });
    await run(project, ['migrate', '001']);
    const blocker = project.sql('api', 'BEGIN; INSERT INTO t VALUES (2); SELECT pg_sleep(600)').catch(() => undefined);
    const pid = await findRunning(project, 'api', 'pg_sleep(600)');
    const running = start(project, ['migrate']);
    await until(async () => (await indexes(project)).t_i === false);
    running.child.kill('SIGKILL');
    await running.ended;
    await until(async () => {
      const workers =
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'orch worker%'";
      return (await project.sql('api', workers)).length === 0;
    });
    await project.sql(undefined, `SELECT pg_terminate_backend(${pid})`);
    await blocker;
    expect(await indexes(project)).toEqual({ t_i: false });
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_i: true });
  });

  it('when the index is built and not recorded: the next run takes it for done', async () => {
    const text = 'CREATE INDEX CONCURRENTLY t_i ON t (i);\nCREATE INDEX CONCURRENTLY t_j ON t (i);';
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': text } } });
    expect((await run(project, ['migrate'])).code).toBe(0);
    await forget(project);
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_i: true, t_j: true });
    expect(await state(project)).toEqual({ name: '002_i', state: 'applied', done: 2 });
  });
});

describe('an index whose name the server chose', () => {
  const text = 'CREATE INDEX CONCURRENTLY ON t (i);\nCREATE INDEX CONCURRENTLY ON t (i) WHERE i > 7;';

  async function forgotten(): Promise<ProjectFolder> {
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': text } } });
    expect((await run(project, ['migrate'])).code).toBe(0);
    await forget(project, 1);
    return project;
  }

  it('that is built and not recorded is there once in the end, under its first name', async () => {
    const project = await forgotten();
    const ended = await run(project, ['migrate']);
    expect(ended).toMatchObject({ code: 0 });
    expect(ended.stderr).toContain('an earlier run had built the index already');
    expect(await indexes(project)).toEqual({ t_i_idx: true, t_i_idx1: true });
  });

  it('that was built a second time by a run which then ended, too', async () => {
    const project = await forgotten();
    await project.sql('api', 'CREATE INDEX ON t (i) WHERE i > 7');
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_i_idx: true, t_i_idx1: true });
  });
});

describe('an index of somebody else', () => {
  it('that is INVALID is not taken for success by IF NOT EXISTS, and not dropped', async () => {
    const project = await makeProject({
      api: { revisions: { ...doubled, '002_i.up.sql': '\nCREATE INDEX CONCURRENTLY IF NOT EXISTS t_u ON t (i);' } },
    });
    await run(project, ['migrate', '001']);
    await project.sql('api', unique).catch(() => undefined);
    for (const _ of [1, 2]) {
      expectFault(await run(project, ['migrate']), {
        code: 6,
        happened: [
          'api: 002_i is not done: the index public.t_u on public.t is there and INVALID, and this revision did not leave it',
          '002_i.up.sql:2:1',
        ],
        now: 'statements before it stay',
        next: ['DROP INDEX CONCURRENTLY public.t_u;  -- in ', 'orch migrate --service api'],
      });
      expect(await indexes(project)).toEqual({ t_u: false });
    }
    await project.sql('api', 'DROP INDEX CONCURRENTLY public.t_u');
    expect((await run(project, ['migrate'])).code).toBe(0);
    expect(await indexes(project)).toEqual({ t_u: true });
  });

  it('that is valid is what IF NOT EXISTS asks for', async () => {
    const text = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS t_i ON t (i);';
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': text } } });
    await run(project, ['migrate', '001']);
    await project.sql('api', 'CREATE INDEX t_i ON t (i)');
    expect((await run(project, ['migrate'])).code).toBe(0);
  });

  it('or anything else of that name is not taken for an index of the table', async () => {
    const text = 'CREATE INDEX CONCURRENTLY IF NOT EXISTS t_i ON t (i);';
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': text } } });
    await run(project, ['migrate', '001']);
    await project.sql('api', 'CREATE TABLE other (i int)');
    await project.sql('api', 'CREATE INDEX t_i ON other (i)');
    expectFault(await run(project, ['migrate']), {
      code: 6,
      happened: 'what is called public.t_i is no index of public.t',
      now: 'statements before it stay',
      next: 'another name in the file',
    });
  });

  it('that was there before stays when a plain build is refused because of it, in each run', async () => {
    const text = 'CREATE INDEX CONCURRENTLY t_i ON t (i);';
    const project = await makeProject({ api: { revisions: { ...doubled, '002_i.up.sql': text } } });
    await run(project, ['migrate', '001']);
    await project.sql('api', 'CREATE INDEX t_i ON t ((i + 1))');
    for (const _ of [1, 2]) {
      expectFault(await run(project, ['migrate']), { code: 6, happened: '42P07', now: '', next: 'orch migrate' });
    }
    expect(await indexes(project)).toEqual({ t_i: true });
  });
});
