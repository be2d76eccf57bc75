import { spawnSync } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createLocalRuntime } from '../../src/adapters/local/runtime.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { loadProject } from '../../src/config/load-project.ts';
import type { Catalog } from '../../src/core/schema/catalog.ts';
import { catalogAt, catalogDifferences } from '../support/catalog.ts';
import { generateHistory } from '../support/generated-history.ts';
import { orch } from '../support/orch.ts';
import { launchPostgres, type TestPostgres } from '../support/postgres.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { psql } from '../support/psql.ts';
import { adminLocation, runAsAdmin } from '../support/test-database.ts';

/** `ORCH_TEST_SEED=7,8` takes others. */
const histories = (process.env.ORCH_TEST_SEED ?? '11,12,13').split(',').map(Number);
const REVISIONS = 24;
const yaml = "variables: { schema_name: shop, label: it's }";
const root = fileURLToPath(new URL('../..', import.meta.url));
const hasPsql = spawnSync('psql', ['--version']).status === 0;
const ran = { code: 0, output: expect.not.stringContaining('ERROR') };

async function run(cwd: string, env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<string> {
  const ended = await orch(args, { cwd, env });
  expect(ended.output.slice(0, 3_000), args.join(' ')).toSatisfy(() => ended.code === 0);
  return ended.stdout;
}

function expectEqual(wanted: Catalog, found: Catalog, story: string): void {
  expect(wanted.objects.length, story).toBeGreaterThan(0);
  expect(catalogDifferences(wanted, found), story).toEqual([]);
}

describe('generated projects', () => {
  const open = async (seed: number): Promise<ProjectFolder> =>
    await makeProject({ shop: { revisions: generateHistory(seed, REVISIONS), yaml } });
  const look = (project: ProjectFolder): Promise<Catalog> =>
    catalogAt(adminLocation(project.postgres, project.database('shop')));

  test.skipIf(!hasPsql).each(histories)(
    '`orch sql | psql` leaves the catalog that migrate leaves (needs psql): seed %i',
    async (seed) => {
      const project = await open(seed);
      await run(project.folder, {}, 'migrate');
      const migrated = await look(project);
      const database = project.database('shop');
      await project.sql(undefined, `DROP DATABASE ${database}`);
      await project.sql(undefined, `CREATE DATABASE ${database} OWNER ${project.owner('shop')}`);
      expect(await psql(project.postgres, database, await run(project.folder, {}, 'sql'))).toEqual(ran);
      expectEqual(migrated, await look(project), `seed ${seed}`);
    },
  );

  test.each(histories)('up → base → up leaves the same catalog as up: seed %i', async (seed) => {
    const project = await open(seed);
    await run(project.folder, {}, 'migrate');
    const migrated = await look(project);
    await run(project.folder, {}, 'downgrade', 'base', '--yes');
    expect(catalogDifferences(migrated, await look(project))).not.toEqual([]);
    await run(project.folder, {}, 'migrate');
    expectEqual(migrated, await look(project), `seed ${seed}`);
  });
});

const services: readonly { readonly service: string; readonly database: string; readonly extension?: string }[] = [
  { service: 'api-auth', database: 'authdb', extension: 'uuid-ossp' },
  { service: 'api-user', database: 'apidb' },
  { service: 'api-admin', database: 'admindb', extension: 'vector' },
];

describe('the sample services on a server', () => {
  let postgres: TestPostgres;
  let env: Record<string, string>;
  let available: ReadonlySet<unknown>;

  beforeAll(async () => {
    postgres = await launchPostgres();
    const { host, port, adminRole, adminPassword } = postgres;
    const url = `postgresql://${adminRole}:${encodeURIComponent(adminPassword)}@${host}:${port}/postgres`;
    env = { ORCH_SERVER_URL: url, POSTGRES_PASSWORD: adminPassword };
    const rows = await runAsAdmin(postgres, 'SELECT name FROM pg_available_extensions');
    available = new Set(rows.map(({ name }) => name));
  }, 180_000);

  afterAll(() => postgres?.stop());

  test.for(services)(
    '$service: up → base → up, and `orch sql | psql`, leave the catalog that migrate leaves',
    async ({ service, database, extension }, { skip }) => {
      skip(extension !== undefined && !available.has(extension), `this server has no ${extension ?? ''}`);
      const only = ['--service', service];
      const look = (): Promise<Catalog> => catalogAt(adminLocation(postgres, database));
      await run(root, env, 'migrate', ...only);
      const migrated = await look();
      await run(root, env, 'downgrade', 'base', '--yes', ...only);
      expect(catalogDifferences(migrated, await look())).not.toEqual([]);
      await run(root, env, 'migrate', ...only);
      expectEqual(migrated, await look(), 'up → base → up');

      skip(!hasPsql, 'there is no psql here');
      const [row] = await runAsAdmin(
        postgres,
        `SELECT pg_get_userbyid(datdba) AS owner FROM pg_database WHERE datname = '${database}'`,
      );
      await runAsAdmin(postgres, `DROP DATABASE ${database}`);
      await runAsAdmin(postgres, `CREATE DATABASE ${database} OWNER ${String(row?.owner)}`);
      expect(await psql(postgres, database, await run(root, env, 'sql', ...only))).toEqual(ran);
      expectEqual(migrated, await look(), 'orch sql | psql');
    },
  );
});

test('the sample services on PGlite: up → base → up leaves the same catalogs as up', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orch-proof-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const name of ['package.json', 'orchestrator.config.yaml', 'services', 'compose']) {
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  const env = { ORCH_RUNTIME: 'local' };
  await run(folder, env, 'migrate');
  const migrated = await catalogsOnPglite(folder);
  await run(folder, env, 'downgrade', 'base', '--yes');
  await run(folder, env, 'migrate');
  const again = await catalogsOnPglite(folder);
  for (const { service } of services) {
    const [wanted, found] = [migrated.get(service), again.get(service)];
    if (wanted === undefined || found === undefined) throw new Error(`${service} was not looked at`);
    expectEqual(wanted, found, service);
  }
});

async function catalogsOnPglite(folder: string): Promise<ReadonlyMap<string, Catalog>> {
  const project = await loadProject({ cwd: folder, configPath: undefined, env: {} });
  const runtime = createLocalRuntime({ project, environment: {}, clock: systemClock, pid: process.pid, stays: false });
  try {
    const [server] = project.servers;
    if (server === undefined) throw new Error('the sample has a server');
    await runtime.startServer(server, project.services, new AbortController().signal);
    const catalogs = new Map<string, Catalog>();
    for (const service of project.services) {
      const at = runtime.locate(service);
      if (at === undefined) throw new Error(`${service.name} is not served`);
      const tls = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined } as const;
      const role = { role: 'postgres', password: undefined, actAs: undefined } as const;
      catalogs.set(service.name, await catalogAt({ ...at, ...role, tls, database: service.database, sessions: 'one' }));
    }
    return catalogs;
  } finally {
    await runtime.close();
  }
}
