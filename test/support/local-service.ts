import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defaultNaming } from '../../src/core/naming.ts';
import type { Project, Server, Service } from '../../src/core/project.ts';

const noTls = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined } as const;

/** The server that PGlite stands in for. */
export const localServer: Server = {
  name: 'main',
  host: '127.0.0.1',
  port: 1,
  tls: noTls,
  admin: { role: 'postgres', password: undefined },
  maintenanceDatabase: 'postgres',
  container: 'postgres',
  readyTimeout: 10_000,
};

/** A service that PGlite and child processes can run; `patch` says what is special about it. */
export function localService(root: string, name: string, patch: Partial<Service> = {}): Service {
  return {
    name,
    database: `${name}db`,
    server: localServer,
    owner: { role: `${name}_owner`, password: undefined },
    roles: [],
    extensions: [],
    folder: join(root, 'services', name),
    revisions: join(root, 'services', name, 'revisions'),
    seeds: undefined,
    container: name,
    health: { url: undefined, timeout: 15_000 },
    local: undefined,
    needs: [],
    file: join(root, 'services', name, 'service.yaml'),
    ...patch,
  };
}

export function localProject(root: string, services: readonly Service[]): Project {
  return {
    name: 'sample',
    root,
    file: join(root, 'orchestrator.config.yaml'),
    environment: 'development',
    composeFiles: [],
    templates: undefined,
    naming: defaultNaming,
    servers: [localServer],
    services,
    policies: { lockWait: 20_000, lockTimeout: 0, lockRetry: 0, statementTimeout: 0, failFast: false, concurrency: 4 },
    secrets: [],
  };
}

/** A folder that goes with what is called at the end. */
export async function temporaryFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'orch-local-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 3 }) };
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

/** Writes a script into the service's folder; gives the command that runs it. */
export async function writeScript(service: Service, text: string): Promise<readonly string[]> {
  await mkdir(service.folder, { recursive: true });
  await writeFile(join(service.folder, 'main.mjs'), text);
  return ['node', 'main.mjs'];
}

/** Answers 200 on /health, prints its environment and its pid on start, and goes on SIGTERM. */
export const healthyScript = `
import { createServer } from 'node:http';
const { PORT, HOST, DATABASE_URL, EXTRA } = process.env;
console.log(JSON.stringify({ PORT, HOST, DATABASE_URL, EXTRA, keys: Object.keys(process.env).sort() }));
console.error('to stderr');
createServer((request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end('ok')).listen(Number(PORT), HOST);
process.on('SIGTERM', () => { console.log('going'); process.exit(0); });
`;

/** Resolves when the condition holds; fails the test after 20 s. */
export async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const started = performance.now();
  while (!(await condition())) {
    if (performance.now() - started > 20_000) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}
