import pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import { PREPARATION_KEY } from '../../src/adapters/postgres/cluster-lock.ts';
import { startEmbeddedPostgres } from '../support/embedded-postgres.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

/** On a server of its own: the lock is the whole server's. */
async function makeOwn(): Promise<ProjectFolder> {
  const server = await startEmbeddedPostgres({ adminPassword: 'own-canary-3c1d' });
  onTestFinished(() => server.stop());
  const postgres = { ...server, hasVector: false, kind: 'embedded' } as const;
  return await makeProject({ api: { revisions: { '001_a.up.sql': 'CREATE TABLE a ();' } } }, { postgres });
}

/** A session in the maintenance database that holds the lock, as an orch's that is gone does. */
async function holdPreparation({ postgres }: ProjectFolder, behind: string): Promise<number> {
  const { host, port, adminRole: user, adminPassword: password } = postgres;
  const name = `orch admin ${crypto.randomUUID()}`;
  const client = new pg.Client({ host, port, user, password, database: 'postgres', application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  onTestFinished(() => client.end().catch(() => undefined));
  const { rows } = await client.query<{ pid: number }>('SELECT pg_backend_pid() AS pid, pg_advisory_lock($1::bigint)', [
    PREPARATION_KEY,
  ]);
  // Sent, and its answer is awaited by nobody.
  client.query(behind).catch(() => undefined);
  return rows[0]?.pid ?? 0;
}

it.each([
  ['in a statement that goes on', 'SELECT pg_sleep(600)'],
  ['idle in a transaction', 'BEGIN'],
  ['idle', 'SELECT 1'],
])(
  'the preparation of a server that a dead orch holds, %s, is freed by the command that is named',
  async (_, behind) => {
    const project = await makeOwn();
    const pid = await holdPreparation(project, behind);
    const refused = await run(project, ['migrate', '--lock-wait', '0']);
    expectFault(refused, {
      code: 4,
      happened: [
        'api: the lock on postgres was not free within',
        new RegExp(`it is held by pid ${pid} \\(orch admin \\S+, role ${project.postgres.adminRole}, from`),
      ],
      now: 'nothing was changed in postgres.',
      next: [
        'orch locks --service api  # shows what it does, and who waits',
        new RegExp(`orch locks --service api --terminate ${pid}  # ends that session`),
      ],
    });
    const listed = jsonLines(await run(project, ['locks', '--service', 'api', '-o', 'json'])).at(-1);
    expect(listed).toMatchObject({
      databases: expect.arrayContaining([
        expect.objectContaining({
          database: 'postgres',
          sessions: [expect.objectContaining({ pid, holds: ['preparation'] })],
        }),
      ]),
    });
    const [, command = ''] = /orch (locks --service api --terminate \d+)/.exec(refused.stderr) ?? [];
    expect(await run(project, [...command.split(' '), '--yes'])).toMatchObject({
      code: 0,
      stdout: `Ended: pid ${pid} in postgres.\n`,
    });
    expect(await run(project, ['migrate', '--lock-wait', '0'])).toMatchObject({ code: 0 });
    expect(await project.sql('api', 'SELECT name FROM orch.heads')).toEqual([{ name: '001_a' }]);
  },
);

it('the preparation of a server that another orch holds keeps baseline from its throwaway, of which nothing is left', async () => {
  const project = await makeOwn();
  expect(await run(project, ['migrate'])).toMatchObject({ code: 0 });
  await project.sql('api', 'DROP SCHEMA orch CASCADE');
  const pid = await holdPreparation(project, 'SELECT 1');
  expectFault(await run(project, ['baseline', '--yes', '--lock-wait', '0']), {
    code: 4,
    happened: ['was not free within', `it is held by pid ${pid}`],
    now: '',
    next: `orch locks --service api --terminate ${pid}`,
  });
  const left = await project.sql(undefined, "SELECT FROM pg_database WHERE datname LIKE 'orch_baseline%'");
  expect(left).toEqual([]);
});
