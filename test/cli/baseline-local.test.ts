import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { createLocalRuntime } from '../../src/adapters/local/runtime.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { loadProject } from '../../src/config/load-project.ts';
import { type Ended, orch } from '../support/orch.ts';
import { runAt } from '../support/test-database.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

test('on PGlite the throwaway databases are PGlite too: the sample, without its ledgers, is at its heads', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'orch-baseline-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  for (const name of ['package.json', 'orchestrator.config.yaml', 'services', 'compose']) {
    await cp(join(root, name), join(folder, name), { recursive: true });
  }
  const run = (...args: readonly string[]): Promise<Ended> =>
    orch(args, { cwd: folder, env: { ORCH_RUNTIME: 'local' } });
  expect((await run('migrate')).code).toBe(0);
  const ledgers = await inEach(folder, "SELECT name FROM orch.ledger WHERE kind = 'revision' ORDER BY sequence");
  await inEach(folder, 'DROP SCHEMA orch CASCADE');
  expect(await run('migrate')).toMatchObject({ code: 7, stderr: expect.stringContaining('is not empty') });

  const { code, stdout } = await run('baseline', '--yes');
  expect(code).toBe(0);
  expect(stdout).toContain('api-user (apidb): is just what 005_full_name_index leaves');
  expect(await inEach(folder, "SELECT name FROM orch.ledger WHERE kind = 'revision' ORDER BY sequence")).toEqual(
    ledgers,
  );
  expect((await readdir(join(folder, '.orch/local'))).filter((name) => name.includes('baseline'))).toEqual([]);
});

/** Runs it in the database of every service; gives the rows. */
async function inEach(folder: string, sql: string): Promise<readonly unknown[]> {
  const project = await loadProject({ cwd: folder, configPath: undefined, env: {} });
  const runtime = createLocalRuntime({ project, environment: {}, clock: systemClock, pid: process.pid, stays: false });
  try {
    const [server] = project.servers;
    if (server === undefined) throw new Error('the sample has a server');
    await runtime.startServer(server, project.services, new AbortController().signal);
    const all: unknown[] = [];
    for (const service of project.services) {
      const at = runtime.locate(service);
      if (at === undefined) throw new Error(`${service.name} is not served`);
      const tls = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined } as const;
      const role = { role: 'postgres', password: undefined, actAs: undefined } as const;
      all.push(await runAt({ ...at, ...role, tls, database: service.database, sessions: 'one' }, sql));
    }
    return all;
  } finally {
    await runtime.close();
  }
}
