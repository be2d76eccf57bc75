import { describe, expect, it } from 'vitest';
import { noPgBouncer, type PgBouncer, startPgBouncer } from '../support/pgbouncer.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { expectFault, jsonLines, run } from './support.ts';

const revisions = {
  '001_a.up.sql':
    "CREATE TABLE a AS SELECT current_setting('statement_timeout') AS timeout, current_setting('search_path') AS path",
  '002_b.up.sql':
    "CREATE TABLE b AS SELECT current_setting('synchronous_commit') AS commit, current_user::text AS role",
  '003_c.up.sql': '-- orch: transaction none\nCREATE INDEX CONCURRENTLY on_a ON a (timeout)',
};

/** The project, whose databases are there already, and what leads to it through a pooler. */
async function behind(
  mode: 'transaction' | 'statement' | 'session',
  settings = '',
): Promise<{ project: ProjectFolder; bouncer: PgBouncer; url(query?: string): Record<string, string> }> {
  const project = await makeProject({ api: { revisions: { '001_a.up.sql': revisions['001_a.up.sql'] } } });
  expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  for (const [file, text] of Object.entries(revisions)) await project.write(`api/revisions/${file}`, text);
  const users = { [project.owner('api')]: 'owner-canary-7f3a', [project.app('api')]: 'app-canary-91bc' };
  const bouncer = await startPgBouncer(project.postgres, { mode, users, settings });
  return { project, bouncer, url: (query) => ({ ORCH_SERVER_URL: urlOf(project, bouncer.port, query) }) };
}

function urlOf({ postgres }: ProjectFolder, port: number, query = ''): string {
  return `postgresql://${postgres.adminRole}:${encodeURIComponent(postgres.adminPassword)}@127.0.0.1:${port}/postgres${query}`;
}

/** What PgBouncer must be told to let a session with settings of its own in; it then passes over them. */
const IGNORING = 'ignore_startup_parameters = options,extra_float_digits';

async function expectUntouched(project: ProjectFolder): Promise<void> {
  expect(await project.sql('api', 'SELECT name FROM orch.ledger')).toEqual([{ name: '001_a' }]);
}

describe.skipIf(noPgBouncer !== undefined)(`a PgBouncer${noPgBouncer === undefined ? '' : ` (${noPgBouncer})`}`, () => {
  it.each(['transaction', 'statement', 'session'] as const)(
    'in pool_mode %s, as it is installed, is refused for what it is: exit 2',
    async (mode) => {
      const { project, bouncer, url } = await behind(mode);
      for (const command of ['migrate', 'plan', 'status', 'wait', 'locks']) {
        expectFault(await run(project, [command], { env: url() }), {
          code: 2,
          happened: [
            `127.0.0.1:${bouncer.port} is a connection pooler, not PostgreSQL itself`,
            'unsupported startup parameter: options',
          ],
          now: 'nothing was changed',
          next: ["PostgreSQL's own host and port, often 5432", 'allowPooler', 'orch wait'],
        });
      }
      await expectUntouched(project);
    },
  );

  it.each(['transaction', 'statement', 'session'] as const)(
    'in pool_mode %s that passes over the settings is seen by its backend',
    async (mode) => {
      const { project, bouncer, url } = await behind(mode, IGNORING);
      for (const command of ['migrate', 'plan', 'status', 'wait']) {
        expectFault(await run(project, [command], { env: url() }), {
          code: 2,
          happened: [
            `127.0.0.1:${bouncer.port} is a connection pooler, not PostgreSQL itself`,
            /log-in named the backend -?\d+, and \d+ answers/,
          ],
          now: 'nothing was changed',
          next: ["PostgreSQL's own host and port, often 5432", 'allowPooler'],
        });
      }
      await expectUntouched(project);
    },
  );

  it('in pool_mode session is taken where it is allowed: settings hold in each revision', async () => {
    const { project, url } = await behind('session');
    const ended = await run(project, ['migrate'], { env: url('?allowPooler=true') });
    expect(ended, ended.output).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT name FROM orch.ledger ORDER BY sequence')).toEqual([
      { name: '001_a' },
      { name: '002_b' },
      { name: '003_c' },
    ]);
    expect(await project.sql('api', 'SELECT * FROM b')).toEqual([{ commit: 'on', role: project.owner('api') }]);
    const locks =
      "SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    expect(await project.sql('api', locks)).toEqual([]);
  });

  it('in pool_mode session is taken where the config allows it', async () => {
    const { project, bouncer } = await behind('session');
    const config = `project: sample
environment: development
servers: { main: { url: '${urlOf(project, bouncer.port)}', allowPooler: true, readyTimeout: 5s } }
services: [api/service.yaml]
`;
    await project.write('orchestrator.config.yaml', config);
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  });

  it.each(['transaction', 'statement'] as const)(
    'in pool_mode %s is refused also where one is allowed',
    async (mode) => {
      const { project, url } = await behind(mode);
      const ended = await run(project, ['migrate', '-o', 'json'], { env: url('?allowPooler=true') });
      expect(ended.code, ended.output).toBe(2);
      expect(jsonLines(ended).at(-1)).toMatchObject({ failures: [{ code: 'pooler-refused' }] });
      await expectUntouched(project);
    },
  );
});

describe('a proxy that hands out keys of its own', () => {
  it('is refused by one look: who answers is not whom the log-in named', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'SELECT 1' } } });
    expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
    const proxy = await startTcpProxy(project.postgres);
    proxy.key = (pid) => pid + 1;
    const asked: string[] = [];
    proxy.judge = ({ sql }) => {
      asked.push(sql);
      return 'pass';
    };
    const env = { ORCH_SERVER_URL: urlOf(project, proxy.port) };
    expectFault(await run(project, ['migrate'], { env }), {
      code: 2,
      happened: [`127.0.0.1:${proxy.port} is a connection pooler`, /log-in named the backend -?\d+, and \d+ answers/],
      now: 'nothing was changed',
      next: 'orch wait',
    });
    // No round trip of its own: the one statement is the observation.
    expect(asked).toHaveLength(1);
  });

  it('that gives two sessions one key is refused before a revision runs', async () => {
    const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'CREATE TABLE a ()' } } });
    expect(await run(project, ['migrate', 'base'])).toMatchObject({ code: 0 });
    const proxy = await startTcpProxy(project.postgres);
    let first: number | undefined;
    // As a pooler that passes the server's key on: the second session is told the first one's.
    proxy.key = (pid) => (first ??= pid);
    const env = { ORCH_SERVER_URL: urlOf(project, proxy.port) };
    const ended = await run(project, ['migrate'], { env });
    expectFault(ended, {
      code: 2,
      happened: [/two sessions that are open at once have one backend, \d+/],
      now: 'nothing was changed',
      next: 'pool_mode = session',
    });
    expect(await project.sql('api', "SELECT FROM pg_class WHERE relname = 'a'")).toEqual([]);
  });
});
