import { execFile } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { resolveConnection } from '../../src/config/resolve-connection.ts';
import { makeAuthority, makeCertificate } from '../support/certificate.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../support/embedded-postgres.ts';

const password = 'tls-c4n4ry-71';
const hba = `
hostssl all with_certificate 127.0.0.1/32 cert
host    all postgres         127.0.0.1/32 scram-sha-256
`;
const modes = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
const kinds = ['without TLS', 'right', 'for another host', 'expired'] as const;
type Kind = (typeof kinds)[number];

let folder: string;
const servers = new Map<Kind, EmbeddedPostgres>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-tls-'));
  const authority = makeAuthority('orch test authority');
  const other = makeAuthority('somebody else');
  const save = async (name: string, text: string): Promise<void> => {
    await writeFile(join(folder, name), text);
    // libpq takes no key that others may read.
    await chmod(join(folder, name), 0o600);
  };
  await save('authority.pem', authority.certificate);
  await save('other.pem', other.certificate);
  for (const [name, issuer] of [
    ['client', authority],
    ['stranger', other],
  ] as const) {
    const { certificate, key } = makeCertificate(issuer, 'with_certificate');
    await save(`${name}.crt`, certificate);
    await save(`${name}.key`, key);
  }
  const made = {
    'without TLS': undefined,
    right: makeCertificate(authority, 'localhost'),
    'for another host': makeCertificate(authority, 'elsewhere.example'),
    expired: makeCertificate(authority, 'localhost', -1),
  };
  await Promise.all(
    kinds.map(async (kind) => {
      const own = made[kind];
      const secure = own && {
        hba,
        files: { 'server.crt': own.certificate, 'server.key': own.key, 'ca.crt': authority.certificate },
        settings: { ssl: 'on', ssl_ca_file: 'ca.crt' },
      };
      const server = await startEmbeddedPostgres({ adminPassword: password, ...secure });
      servers.set(kind, server);
    }),
  );
  const session = await new PostgresDatabase({ run: 'tls' }).connect(locationOf(urlOf('right', 'prefer')), 'worker');
  await session.run('CREATE ROLE with_certificate LOGIN');
  await session.close();
});

afterAll(async () => {
  await Promise.all([...servers.values()].map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

/** What a person writes into the config, or gives to psql. */
function urlOf(kind: Kind, mode: string, query = '', role = `postgres:${password}`): string {
  return `postgresql://${role}@localhost:${servers.get(kind)?.port}/postgres?sslmode=${mode}${query}`;
}

/** A HOME of its own: libpq looks there for certificates too. */
function locationOf(url: string, env: Readonly<Record<string, string>> = { HOME: folder }) {
  const faults: string[] = [];
  const refuse = (message: string): undefined => void faults.push(message);
  const connection = resolveConnection({ text: url, folder, env, refuse, secrets: new Set() });
  if (connection === undefined) throw new Error(`refused before: ${faults.join()}`);
  const { host, port, role = '', password: own, database = '' } = connection.url;
  const { tls } = connection;
  return { host, port, database, role, password: own, actAs: undefined, tls, sessions: 'many' } as const;
}

type Outcome = 'in clear' | 'encrypted' | 'refused';
const asked = 'SELECT ssl FROM pg_catalog.pg_stat_ssl WHERE pid = pg_catalog.pg_backend_pid()';

async function byOrch(url: string, variables?: Readonly<Record<string, string>>): Promise<Outcome> {
  try {
    const session = await new PostgresDatabase({ run: 'tls' }).connect(locationOf(url, variables), 'test');
    const { rows } = await session.query<{ ssl: boolean }>(asked);
    await session.close();
    return rows[0]?.ssl === true ? 'encrypted' : 'in clear';
  } catch {
    return 'refused';
  }
}

/** What libpq makes of the same URL. */
async function byLibpq(url: string, home = folder): Promise<Outcome> {
  const env = { PATH: process.env.PATH, HOME: home };
  try {
    const { stdout } = await promisify(execFile)('psql', ['-XAtw', '-c', asked, url], { env, cwd: folder });
    return stdout.trim() === 't' ? 'encrypted' : 'in clear';
  } catch {
    return 'refused';
  }
}

const file = (parameter: string, name: string): string => `&${parameter}=${encodeURIComponent(join(folder, name))}`;

/** Where orch keeps a connection encrypted that libpq takes up again in clear, or takes a certificate without key for none. */
const different: Readonly<Record<string, { readonly orch: Outcome; readonly libpq: Outcome }>> = {
  // libpq checks the chain there as well, and falls back to clear text; a chain that is not checked is better than that.
  'prefer, another authority, right': { orch: 'encrypted', libpq: 'in clear' },
  'prefer, another authority, for another host': { orch: 'encrypted', libpq: 'in clear' },
  'prefer, another authority, expired': { orch: 'encrypted', libpq: 'in clear' },
  'prefer, its authority, expired': { orch: 'encrypted', libpq: 'in clear' },
  'prefer, a client certificate and another authority, right': { orch: 'encrypted', libpq: 'in clear' },
  // This role may not come in clear, which is all that is left to libpq.
  'prefer, a client certificate and another authority, with_certificate': { orch: 'encrypted', libpq: 'refused' },
  'prefer, a client certificate without its key, right': { orch: 'encrypted', libpq: 'in clear' },
  'require, a client certificate without its key, right': { orch: 'encrypted', libpq: 'refused' },
};

describe('each sslmode means what it means to libpq', () => {
  const roots = [
    ['no authority', ''],
    ['its authority', 'authority.pem'],
    ['another authority', 'other.pem'],
  ] as const;

  it.each(modes.flatMap((mode) => roots.map(([root, name]) => [mode, root, name] as const)))(
    '%s, with %s, at a server without TLS, with the right certificate, with one for another host, with an expired one',
    async (mode, root, name) => {
      for (const kind of kinds) {
        const url = urlOf(kind, mode, name === '' ? '' : file('sslrootcert', name));
        const [orch, libpq] = await Promise.all([byOrch(url), byLibpq(url)]);
        const known = different[`${mode}, ${root}, ${kind}`];
        expect({ orch, libpq }, kind).toEqual(known ?? { orch: libpq, libpq });
      }
    },
  );

  it('and none of them is left out by a slip of this test: the right way encrypts, each wrong one is refused', async () => {
    const root = file('sslrootcert', 'authority.pem');
    expect(await byOrch(urlOf('right', 'verify-full', root))).toBe('encrypted');
    expect(await byOrch(urlOf('for another host', 'verify-full', root))).toBe('refused');
    expect(await byOrch(urlOf('for another host', 'verify-ca', root))).toBe('encrypted');
    expect(await byOrch(urlOf('expired', 'verify-ca', root))).toBe('refused');
    expect(await byOrch(urlOf('without TLS', 'require'))).toBe('refused');
    expect(await byOrch(urlOf('right', 'disable'))).toBe('in clear');
  });

  it.each<[string, string, string, Outcome]>([
    ['verify-full', 'none', '', 'refused'],
    ['verify-full', 'its own', 'client', 'encrypted'],
    ['require', 'its own', 'client', 'encrypted'],
    ['prefer', 'its own', 'client', 'encrypted'],
    ['allow', 'its own', 'client', 'encrypted'],
    ['disable', 'its own', 'client', 'refused'],
    ['verify-full', 'one of another authority', 'stranger', 'refused'],
  ])('%s, where the server asks for a client certificate and %s is given', async (mode, _which, name, expected) => {
    const own = name === '' ? '' : `${file('sslcert', `${name}.crt`)}${file('sslkey', `${name}.key`)}`;
    const url = urlOf('right', mode, `${file('sslrootcert', 'authority.pem')}${own}`, 'with_certificate');
    expect({ orch: await byOrch(url), libpq: await byLibpq(url) }).toEqual({ orch: expected, libpq: expected });
  });
});

describe('what the URL does not name', () => {
  const homes: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'nothing there': {},
    'its authority': { 'root.crt': 'authority.pem' },
    'another authority': { 'root.crt': 'other.pem' },
    'a client certificate': { 'postgresql.crt': 'client.crt', 'postgresql.key': 'client.key' },
    'a client certificate without its key': { 'postgresql.crt': 'client.crt' },
    'a key without its certificate': { 'postgresql.key': 'client.key' },
    'a client certificate and another authority': {
      'root.crt': 'other.pem',
      'postgresql.crt': 'client.crt',
      'postgresql.key': 'client.key',
    },
    'all that there can be': {
      'root.crt': 'authority.pem',
      'postgresql.crt': 'client.crt',
      'postgresql.key': 'client.key',
    },
  };

  async function homeWith(files: Readonly<Record<string, string>>): Promise<string> {
    const home = await mkdtemp(join(folder, 'home-'));
    await mkdir(join(home, '.postgresql'));
    // With its mode: a key is 0600.
    for (const [name, from] of Object.entries(files))
      await copyFile(join(folder, from), join(home, '.postgresql', name));
    return home;
  }

  it.each(Object.keys(homes))('is looked for in ~/.postgresql, as libpq does: %s', async (name) => {
    const home = await homeWith(homes[name] ?? {});
    for (const mode of modes) {
      for (const role of [undefined, 'with_certificate']) {
        const url = urlOf('right', mode, '', role);
        const [orch, libpq] = await Promise.all([byOrch(url, { HOME: home }), byLibpq(url, home)]);
        const known = different[`${mode}, ${name}, ${role ?? 'right'}`];
        expect({ orch, libpq }, `${mode} ${role}`).toEqual(known ?? { orch: libpq, libpq });
      }
    }
  });

  it('is the machine’s authority where the URL says system, and no other', async () => {
    const url = urlOf('right', 'verify-full', '&sslrootcert=system');
    const trusting = (name: string) => ({ HOME: folder, SSL_CERT_FILE: join(folder, name) });
    expect(await byOrch(url, trusting('authority.pem'))).toBe('encrypted');
    expect(await byOrch(url, trusting('other.pem'))).toBe('refused');
    const extra = { ...trusting('other.pem'), NODE_EXTRA_CA_CERTS: join(folder, 'authority.pem') };
    expect(await byOrch(url, extra)).toBe('encrypted');
    expect(await byOrch(urlOf('for another host', 'verify-full', '&sslrootcert=system'), extra)).toBe('refused');
  });
});

describe('a private key', () => {
  it.each(['600', '400', '640', '440', '644', '604', '660', '650'])(
    'with mode 0%s is taken where libpq takes it',
    async (octal) => {
      // One that may not be written stays from the case before.
      await rm(join(folder, 'open.key'), { force: true });
      await copyFile(join(folder, 'client.key'), join(folder, 'open.key'));
      await chmod(join(folder, 'open.key'), Number.parseInt(octal, 8));
      const own = `${file('sslcert', 'client.crt')}${file('sslkey', 'open.key')}`;
      const url = urlOf('right', 'require', own, 'with_certificate');
      const libpq = await byLibpq(url);
      expect({ orch: await byOrch(url), libpq }).toEqual({ orch: libpq, libpq });
      // Without this the two could agree on everything being refused.
      if (octal === '600') expect(libpq).toBe('encrypted');
      if (octal === '644') expect(libpq).toBe('refused');
    },
  );
});

describe('somebody in between', () => {
  /** A proxy to the server with the right certificate that meddles with the answer to the first message. */
  async function meddle(
    answer: (client: Socket, upstream: Socket) => void,
  ): Promise<{ port: number; seen: () => string }> {
    const chunks: Buffer[] = [];
    const proxy = createServer((client) => {
      const upstream = connect(servers.get('right')?.port ?? 0, '127.0.0.1');
      for (const [socket, peer] of [
        [client, upstream],
        [upstream, client],
      ] as const) {
        socket.on('error', () => peer.destroy());
        socket.on('close', () => peer.destroy());
      }
      client.once('data', () => answer(client, upstream));
      client.on('data', (chunk) => chunks.push(chunk));
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close());
    const address = proxy.address();
    return {
      port: typeof address === 'object' ? (address?.port ?? 0) : 0,
      seen: () => Buffer.concat(chunks).toString('latin1'),
    };
  }

  it.each(['require', 'verify-ca', 'verify-full'])(
    'who says that there is no TLS gets nothing with %s',
    async (mode) => {
      const { port, seen } = await meddle((client) => client.write('N'));
      const root = file('sslrootcert', 'authority.pem');
      const url = urlOf('right', mode, root).replace(/:\d+\//, `:${port}/`);
      expect(await byOrch(url)).toBe('refused');
      expect(seen()).not.toContain('postgres');
      expect(seen()).toHaveLength(8);
    },
  );

  it.each(['prefer', 'require', 'verify-full'])(
    'who puts bytes before the handshake is refused with %s',
    async (mode) => {
      // CVE-2021-23222: what came in clear would be taken for the server's word after the handshake.
      const { port, seen } = await meddle((client, upstream) => {
        upstream.write(Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]));
        // Then the handshake goes on as if nothing had been: only who looks at the bytes notices.
        upstream.once('data', () => {
          client.write(Buffer.from('SR\0\0\0\u0008\0\0\0\0'));
          client.pipe(upstream).pipe(client);
        });
      });
      const root = file('sslrootcert', 'authority.pem');
      expect(await byOrch(urlOf('right', mode, root).replace(/:\d+\//, `:${port}/`))).toBe('refused');
      expect(seen()).not.toContain(password);
    },
  );

  it('is what a name that is no neighbour’s is protected from without a word in the URL', () => {
    const tlsOf = (host: string): string => locationOf(`postgresql://r@${host}/d`).tls.mode;
    for (const host of ['db.example.org', '10.0.0.7', '192.168.1.4', '[2001:db8::1]'])
      expect(tlsOf(host), host).toBe('verify-full');
    for (const host of ['localhost', '127.0.0.1', '[::1]', 'postgres']) expect(tlsOf(host), host).toBe('prefer');
  });
});
