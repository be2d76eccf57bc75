import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { type EmbeddedOptions, type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres.ts';
import { adminLocation, runAsAdmin, runAt } from './test-database.ts';

export interface OwnServer {
  readonly postgres: EmbeddedPostgres;
  readonly folder: string;
  write(file: string, text: string): Promise<void>;
  /** As superuser in the service's own database, `own`. */
  sql(text: string): Promise<Record<string, unknown>[]>;
}

/**
 * A server of the test's own, which it may spoil, and a project with one service in its database `own`, which is there
 * except on a standby.
 */
export async function startOwnServer(
  options: Omit<EmbeddedOptions, 'adminPassword'>,
  revisions: Readonly<Record<string, string>>,
): Promise<OwnServer> {
  const adminPassword = 'own-canary-3c1d';
  const postgres = await startEmbeddedPostgres({ adminPassword, ...options });
  const folder = await mkdtemp(join(tmpdir(), 'orch-own-'));
  onTestFinished(async () => {
    await postgres.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const { host, port } = postgres;
  const write = async (file: string, text: string): Promise<void> => {
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
  };
  const url = `postgresql://postgres:${adminPassword}@${host}:${port}/postgres`;
  await write(
    'orchestrator.config.yaml',
    `project: own
environment: development
servers: { main: { url: '${url}', readyTimeout: 2s } }
services: [api/service.yaml]
`,
  );
  await write('api/service.yaml', `name: api\ndatabase: own\nowner: { role: postgres, password: ${adminPassword} }\n`);
  for (const [file, text] of Object.entries(revisions)) await write(`api/revisions/${file}`, text);
  const address = { ...postgres, hasVector: false, kind: 'embedded' } as const;
  if (options.files?.['standby.signal'] === undefined) await runAsAdmin(address, 'CREATE DATABASE own');
  const location = adminLocation(address, 'own');
  return { postgres, folder, write, sql: (text) => runAt(location, text) };
}
