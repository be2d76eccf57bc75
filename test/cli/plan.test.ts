import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, type JsonLine, jsonLines, run, settled } from './support.ts';

const revisions = {
  '001_users.up.sql': 'CREATE TABLE users (id int PRIMARY KEY);',
  '002_index.up.sql': 'CREATE INDEX CONCURRENTLY users_id ON users (id);',
  '003_fill.ts': 'export async function up(database) { await database.query("INSERT INTO users VALUES (1)"); }',
};

/** All that a plan could have changed: roles and databases of the project, and what is in a service's database. */
async function catalog(project: ProjectFolder, service: string): Promise<unknown> {
  const suffix = project.database('x').split('_').at(-1);
  const roles = await project.sql(
    undefined,
    `SELECT rolname, rolconfig FROM pg_roles WHERE rolname LIKE '%${suffix}' ORDER BY 1`,
  );
  const databases = await project.sql(
    undefined,
    `SELECT oid, datname, datacl::text FROM pg_database WHERE datname LIKE '%${suffix}' ORDER BY 1`,
  );
  if (databases.length === 0) return { roles, databases };
  const inside = await project.sql(
    service,
    `SELECT (SELECT json_agg(c ORDER BY c.oid) FROM (SELECT oid, relname, relacl::text, relfilenode FROM pg_class) AS c) AS classes,
      (SELECT json_agg(n ORDER BY n.oid) FROM (SELECT oid, nspname, nspacl::text FROM pg_namespace WHERE nspname !~ '^pg_') AS n) AS schemas,
      (SELECT json_agg(e) FROM (SELECT extname, extversion FROM pg_extension) AS e) AS extensions,
      (SELECT json_agg(a) FROM (SELECT defaclacl::text FROM pg_default_acl) AS a) AS defaults`,
  );
  return { roles, databases, inside };
}

interface WrittenStep {
  readonly id: string;
  readonly kind: string;
}

function stepsOf(line: JsonLine | undefined): readonly WrittenStep[] {
  return (line?.steps ?? []) as readonly WrittenStep[];
}

describe('orch plan', () => {
  it('prints a line a step with its reason, as a table on stdout', async () => {
    const project = await makeProject({ api: { revisions } });
    const { code, stdout } = await run(project, ['plan']);
    expect(code).toBe(0);
    expect(settled(stdout, project)).toBe(
      [
        'SERVICE  DATABASE  STEP  BECAUSE',
        'api  api_db  create role api_owner  the server does not have it',
        'api  api_db  create role api_app  the server does not have it',
        'api  api_db  create database api_db  the server does not have it',
        'api  api_db  acquire lock on api_db  one writer at a time',
        'api  api_db  grant access of role api_app  it cannot use the tables yet',
        'api  api_db  create ledger  the database has none',
        'api  api_db  apply 001_users  it is pending',
        'api  api_db  apply 002_index outside a transaction  it is pending',
        'api  api_db  apply 003_fill  it is pending',
        'api  api_db  release lock on api_db  the database is done',
        '',
      ].join('\n'),
    );
  });

  it('changes nothing, neither on a bare server nor where half of it is done', async () => {
    const project = await makeProject({ api: { revisions } });
    const bare = await catalog(project, 'api');
    expect(await run(project, ['plan'])).toMatchObject({ code: 0 });
    expect(await catalog(project, 'api')).toEqual(bare);
    await run(project, ['migrate', '1']);
    const half = await catalog(project, 'api');
    const ledger = await project.sql(
      'api',
      'SELECT l, g FROM orch.ledger AS l, orch.log AS g ORDER BY l.sequence, g.sequence',
    );
    expect((await run(project, ['plan'])).stdout).toContain('apply 002_index');
    expect(await catalog(project, 'api')).toEqual(half);
    expect(
      await project.sql('api', 'SELECT l, g FROM orch.ledger AS l, orch.log AS g ORDER BY l.sequence, g.sequence'),
    ).toEqual(ledger);
  });

  it.each(['plan', 'status', 'current'])(
    '%s asks in a session in which the server itself refuses every write',
    async (command) => {
      const project = await makeProject({ api: { revisions } });
      await run(project, ['migrate', '1']);
      // The ledger becomes a view that tells, as an error, in what kind of transaction it is read.
      await project.sql(
        'api',
        `CREATE FUNCTION public.tell() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'read with transaction_read_only %', current_setting('transaction_read_only'); END $$;
      ALTER TABLE orch.ledger RENAME TO real_ledger;
      CREATE VIEW orch.ledger AS SELECT * FROM orch.real_ledger WHERE public.tell();
      GRANT SELECT ON orch.ledger TO PUBLIC`,
      );
      const ended = await run(project, [command]);
      expect(ended.stderr).toContain('read with transaction_read_only on');
      expect(ended.code).toBe(5);
      // The same trap tells the truth where writing is meant.
      expect((await run(project, ['migrate'])).stderr).toContain('read with transaction_read_only off');
    },
  );

  it('prints the very steps that migrate then does, in JSON as well', async () => {
    const project = await makeProject({ 'api-a': { revisions }, 'api-b': { revisions, needs: ['api-a'] } });
    const [planned] = jsonLines(await run(project, ['plan', '--output', 'json'])).filter(({ type }) => type === 'plan');
    const lines = jsonLines(await run(project, ['migrate', '--output', 'json']));
    expect(lines.find(({ type }) => type === 'plan-made')).toMatchObject({
      steps: planned?.steps,
      refusals: planned?.refusals,
    });
    const done = lines.filter(({ type }) => type === 'step-finished').map(({ step }) => (step as WrittenStep).id);
    expect([...done].sort()).toEqual(
      stepsOf(planned)
        .map(({ id }) => id)
        .sort(),
    );
    expect(lines.at(-1)).toMatchObject({ type: 'run-finished', exitCode: 0 });
  });

  it('is no finding where something is pending, and says so where nothing is', async () => {
    const project = await makeProject({ api: { revisions } });
    expect(await run(project, ['plan'])).toMatchObject({ code: 0 });
    await run(project, ['migrate']);
    expect(await run(project, ['plan'])).toMatchObject({
      code: 0,
      stdout: 'Nothing to do: every database is at its target.\n',
    });
  });

  it('goes as far as the target, for the services that --service names', async () => {
    const project = await makeProject({ 'api-a': { revisions }, 'api-b': { revisions } });
    const { stdout } = await run(project, ['plan', '--service', 'api-b', '001']);
    expect(stdout).toContain('apply 001_users');
    expect(stdout).not.toMatch(/002_index|api-a /);
  });

  it('says why a service is left alone, with the exit code that migrate would have', async () => {
    const project = await makeProject({
      'api-a': { revisions: { '001_mixed.up.sql': 'CREATE INDEX CONCURRENTLY i ON t (x); SELECT 1;' } },
      'api-b': { revisions, needs: ['api-a'] },
      'api-c': { revisions },
    });
    const ended = await run(project, ['plan']);
    expectFault(ended, {
      code: 2,
      happened: [
        'api-a: 1 fault in its revision files',
        /001_mixed\.up\.sql:1:1 {2}CREATE INDEX CONCURRENTLY cannot run in a transaction/,
      ],
      now: 'nothing was applied for api-a.',
      next: 'orch plan',
    });
    expect(ended.stdout).toMatch(/^api-a +\S+ +nothing +1 fault in its revision files$/m);
    expect(ended.stdout).toMatch(/^api-b +\S+ +nothing +it needs api-a, which is left alone$/m);
    expect(ended.stdout).toMatch(/^api-c +\S+ +apply 001_users/m);
    expect((await run(project, ['migrate'])).code).toBe(2);
  });
});
