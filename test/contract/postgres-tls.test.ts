import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import type { SslMode } from '../../src/core/project.ts';
import type { Location } from '../../src/ports/database.ts';
import { makeAuthority, makeCertificate } from '../support/certificate.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../support/embedded-postgres.ts';

// `either` may connect both ways, `tls_only` only with TLS, `clear_only` only without.
const hba = `
hostssl   all tls_only   127.0.0.1/32 trust
hostnossl all clear_only 127.0.0.1/32 trust
host      all postgres   127.0.0.1/32 trust
`;
const password = 'secret';
const database = new PostgresDatabase({ run: 'tls' });
let folder: string;
let secure: EmbeddedPostgres;
let clear: EmbeddedPostgres;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-tls-'));
  const authority = makeAuthority('orch test authority');
  const { certificate, key } = makeCertificate(authority, 'localhost');
  await writeFile(join(folder, 'authority.pem'), authority.certificate);
  await writeFile(join(folder, 'other.pem'), makeAuthority('somebody else').certificate);
  const files = { 'server.crt': certificate, 'server.key': key };
  [secure, clear] = await Promise.all([
    startEmbeddedPostgres({ adminPassword: password, hba, files, settings: { ssl: 'on' } }),
    startEmbeddedPostgres({ adminPassword: password, hba }),
  ]);
  const roles = 'CREATE ROLE tls_only LOGIN; CREATE ROLE clear_only LOGIN';
  const session = await database.connect(locationOf(secure, 'disable'), 'worker');
  await session.run(roles);
  await session.close();
});

afterAll(async () => {
  await Promise.all([secure?.stop(), clear?.stop()]);
  await rm(folder, { recursive: true, force: true });
});

function locationOf(
  server: EmbeddedPostgres,
  mode: SslMode,
  changes: Partial<Location> & { root?: string } = {},
): Location {
  const { root, ...rest } = changes;
  return {
    host: 'localhost',
    port: server.port,
    database: 'postgres',
    role: 'postgres',
    password,
    actAs: undefined,
    tls: { mode, rootCertificate: root && join(folder, root), certificate: undefined, key: undefined },
    sessions: 'many',
    ...rest,
  };
}

/** @returns whether the session is encrypted; an SQLSTATE and message where there is none */
async function connect(location: Location): Promise<boolean | string> {
  try {
    const session = await database.connect(location, 'test');
    const { rows } = await session.query<{ ssl: boolean }>(
      'SELECT s.ssl FROM pg_catalog.pg_stat_ssl AS s WHERE s.pid = pg_catalog.pg_backend_pid()',
    );
    await session.close();
    return rows[0]?.ssl ?? 'no row';
  } catch (error) {
    const { sqlstate, message } = error as { sqlstate: string; message: string };
    return `${sqlstate} ${message}`;
  }
}

it.each<[SslMode, boolean | RegExp]>([
  ['disable', false],
  ['allow', false],
  ['prefer', true],
  ['require', true],
])('sslmode %s at a server with TLS', async (mode, expected) => {
  expect(await connect(locationOf(secure, mode))).toBe(expected);
});

it.each<[SslMode]>([['disable'], ['allow'], ['prefer']])(
  'sslmode %s goes in clear at a server without TLS',
  async (mode) => {
    expect(await connect(locationOf(clear, mode))).toBe(false);
  },
);

it.each<[SslMode]>([['require'], ['verify-ca'], ['verify-full']])(
  'sslmode %s refuses a server without TLS',
  async (mode) => {
    expect(await connect(locationOf(clear, mode, { root: 'authority.pem' }))).toMatch(/^08001 .*no TLS/);
  },
);

it('allow takes TLS where the server takes this role only with it', async () => {
  expect(await connect(locationOf(secure, 'allow', { role: 'tls_only' }))).toBe(true);
});

it('prefer goes in clear where the server takes this role only without TLS', async () => {
  expect(await connect(locationOf(secure, 'prefer', { role: 'clear_only' }))).toBe(false);
});

it('require never goes in clear', async () => {
  expect(await connect(locationOf(secure, 'require', { role: 'clear_only' }))).toMatch(/^28000 /);
});

it('require takes any certificate, as libpq does', async () => {
  expect(await connect(locationOf(secure, 'require', { host: '127.0.0.1' }))).toBe(true);
});

it('require with a root certificate checks the chain', async () => {
  expect(await connect(locationOf(secure, 'require', { root: 'authority.pem' }))).toBe(true);
  expect(await connect(locationOf(secure, 'require', { root: 'other.pem' }))).toMatch(/^08001 .*certificate/);
});

it('verify-ca checks the chain, not the name', async () => {
  expect(await connect(locationOf(secure, 'verify-ca', { root: 'authority.pem', host: '127.0.0.1' }))).toBe(true);
  expect(await connect(locationOf(secure, 'verify-ca', { root: 'other.pem' }))).toMatch(/^08001 .*certificate/);
});

it('verify-full checks the chain and the name', async () => {
  expect(await connect(locationOf(secure, 'verify-full', { root: 'authority.pem' }))).toBe(true);
  expect(await connect(locationOf(secure, 'verify-full', { root: 'other.pem' }))).toMatch(/^08001 .*certificate/);
  const otherName = locationOf(secure, 'verify-full', { root: 'authority.pem', host: '127.0.0.1' });
  expect(await connect(otherName)).toMatch(/^08001 .*(altnames|IP)/);
});

it('a certificate file that cannot be read is named', async () => {
  expect(await connect(locationOf(secure, 'verify-full', { root: 'absent.pem' }))).toMatch(
    /absent\.pem cannot be read: ENOENT/,
  );
});

it('closing a session with TLS ends it', async () => {
  const session = await database.connect(locationOf(secure, 'require'), 'test');
  const running = session.run('SELECT pg_catalog.pg_sleep(60)');
  const ended = expect(running).rejects.toMatchObject({ connection: true });
  await session.close();
  await ended;
});
