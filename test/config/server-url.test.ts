import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveConnection } from '../../src/config/resolve-connection.ts';
import { defaultSslMode, parseServerUrl } from '../../src/config/server-url.ts';
import { faultLines, GOOD, load, MAIN, makeFolder } from './project-folder.ts';

const parse = (text: string) => {
  const parsed = parseServerUrl(text);
  return 'url' in parsed ? parsed.url : parsed.faults.map(({ message }) => message);
};

const FULL = { host: 'h', port: 5433, role: 'u', password: 'p', database: 'd' };

describe('a connection URL', () => {
  it.each([
    'postgres',
    'postgresql',
    'postgresql+psycopg',
    'postgresql+psycopg2',
    'postgresql+asyncpg',
    'postgresql+pg8000',
    'postgres+psycopg_async',
    'POSTGRESQL',
  ])('is read with the scheme %s', (scheme) => {
    expect(parse(`${scheme}://u:p@h:5433/d`)).toMatchObject(FULL);
  });

  it.each<[string, object]>([
    ['postgres://h', { host: 'h', port: 5432, role: undefined, password: undefined, database: undefined }],
    ['postgres://', { host: 'localhost', port: 5432 }],
    ['postgres:///d', { host: 'localhost', database: 'd' }],
    ['postgres://u@h:/d', { host: 'h', port: 5432, role: 'u', password: undefined }],
    ['postgres://u:@h/d', { role: 'u', password: undefined }],
    ['postgres://u:p%40%3A%2F%3F%23%25+ä@h/d', { password: 'p@:/?#%+ä' }],
    ['postgres://u:p:q@h/d', { role: 'u', password: 'p:q' }],
    ['postgres://u@[::1]:1/d', { host: '::1', port: 1 }],
    ['postgres://u@[fe80::1%25eth0]/d', { host: 'fe80::1%eth0' }],
    ['postgres://u@%2Fvar%2Frun%2Fpostgresql/d', { host: '/var/run/postgresql' }],
    ['postgres:///d?host=/var/run/postgresql&port=5433', { host: '/var/run/postgresql', port: 5433 }],
    ['postgres://x:1/d?host=h&port=2', { host: 'h', port: 2 }],
    ['postgres://h/d?allowPooler=true', { allowPooler: true }],
    ['postgres://h/d', { allowPooler: false }],
    ['postgres://h/d?sslmode=verify-ca&sslrootcert=ca%20.pem', { sslmode: 'verify-ca', sslrootcert: 'ca .pem' }],
    ['postgres://user%40server:p@h.postgres.database.azure.com/d', { role: 'user@server' }],
    ['postgres://h/d?', { database: 'd' }],
  ])('%s is read', (text, expected) => {
    expect(parse(text)).toMatchObject(expected);
  });

  it.each<[string, readonly string[]]>([
    ['', ['this is no PostgreSQL connection URL']],
    ['h/d', ['this is no PostgreSQL connection URL']],
    ['mysql://h/d', ['this is no PostgreSQL connection URL']],
    ['postgresqlx://h/d', ['this is no PostgreSQL connection URL']],
    ['host=h dbname=d', ['this is no PostgreSQL connection URL']],
    ['postgres://u:pa@ss@h/d', ['the URL cannot be taken apart']],
    ['postgres://u:pa/ss@h/d', ['the URL cannot be taken apart']],
    ['postgres://u:12?ss=w@h/d', ['the URL cannot be taken apart']],
    ['postgres://u:12#ss@h/d', ['the URL cannot be taken apart']],
    ['postgres://u:%zz@h/d', ['the password in the URL has a % that no two hex digits follow']],
    ['postgres://u:%00@h/d', ['the password in the URL has a NUL character']],
    ['postgres://:p@h/d', ['the URL has a password and no role']],
    ['postgres://h:0/d', ['the port in the URL is no number from 1 to 65535']],
    ['postgres://h:65536/d', ['the port in the URL is no number from 1 to 65535']],
    ['postgres://h:x/d', ['the port in the URL is no number from 1 to 65535']],
    ['postgres://::1/d', ['the host in the URL cannot be read']],
    ['postgres://h1,h2/d', ['the URL names more than one host']],
    ['postgres://h;x/d', ['the host in the URL is no host name, address or socket folder']],
    ['postgres://h%0Ax/d', ['the host in the URL is no host name, address or socket folder']],
    ['postgres://-h/d', ['the host in the URL is no host name, address or socket folder']],
    ['postgres://u%22@h/d', ['the role in the URL is not one that is taken']],
    ['postgres://h/d%3Bx', ['the database name in the URL is not one that is taken']],
    ['postgres://h/a/b', ['the database name in the URL is not one that is taken']],
    [`postgres://h/${'d'.repeat(64)}`, ['the database name in the URL is not one that is taken']],
    [
      'postgres://h/d?sslmode=on',
      ['the sslmode in the URL is none of disable, allow, prefer, require, verify-ca, verify-full'],
    ],
    [
      'postgres://h/d?sslmod=require&x=y',
      ["unknown parameter 'sslmod' in the URL", "unknown parameter 'x' in the URL"],
    ],
    ['postgres://h/d?allowPooler=yes', ['allowPooler in the URL is neither true nor false']],
    ['postgres://h/d?sslmode', ["the parameter 'sslmode' in the URL has no value"]],
    ['postgres://h/d?port=1&port=2', ["the parameter 'port' stands twice in the URL"]],
  ])('%s is refused', (text, expected) => {
    expect(parse(text)).toEqual(expected);
  });

  it('is refused at its place in the file, nearest parameter named', async () => {
    expect(
      await faultLines({
        'orchestrator.config.yaml': MAIN.replace('54329/postgres', '54329/postgres?sslmodd=require'),
      }),
    ).toEqual(["orchestrator.config.yaml:5:10: unknown parameter 'sslmodd' in the URL (Did you mean 'sslmode'?)"]);
  });
});

describe('the sslmode of a URL that names none', () => {
  it.each(['localhost', '127.0.0.1', '127.1.2.3', '::1', '/var/run/postgresql', 'postgres', 'db-1'])(
    'is prefer for %s',
    (host) => {
      expect(defaultSslMode(host)).toBe('prefer');
    },
  );

  it.each(['db.example.org', '10.0.0.1', '192.168.1.1', 'fe80::1', '128.0.0.1', 'localhost.example.org'])(
    'is verify-full for %s',
    (host) => {
      expect(defaultSslMode(host)).toBe('verify-full');
    },
  );

  it('gives way to the one that it names', async () => {
    const url = (query: string) => ({
      'orchestrator.config.yaml': MAIN.replace('127.0.0.1:54329/postgres', `db.example.org/postgres?${query}`),
    });
    expect((await load(url('sslmode=disable'))).servers[0]?.tls.mode).toBe('disable');
    expect((await load(url('sslrootcert=system'))).servers[0]?.tls).toMatchObject({ mode: 'verify-full' });
  });
});

describe('a connection pooler', () => {
  it('is allowed by the config or by the URL, and by nothing else', async () => {
    const server = async (text: string) => (await load({ 'orchestrator.config.yaml': text })).servers[0]?.allowPooler;
    expect(await server(MAIN)).toBeUndefined();
    expect(await server(MAIN.replace('54329/postgres', '54329/postgres?allowPooler=true'))).toBe(true);
    expect(await server(MAIN.replace(/^( +)(url: .*)$/m, '$1$2\n$1allowPooler: true'))).toBe(true);
    expect(await server(MAIN.replace(/^( +)(url: .*)$/m, '$1$2\n$1allowPooler: false'))).toBeUndefined();
  });
});

describe('certificates', () => {
  type Variables = Readonly<Record<string, string>>;
  const hints: (string | undefined)[] = [];
  const connect = (query: string, folder: string, env?: Variables) => connectTo('h', query, folder, env);
  const remote = (query: string, folder: string, env?: Variables) => connectTo('db.example.org', query, folder, env);
  const connectTo = (host: string, query: string, folder: string, env: Variables = {}) => {
    const faults: string[] = [];
    const refuse = (message: string, hint?: string): undefined => {
      faults.push(message);
      hints.push(hint);
    };
    const source = { folder, env, refuse, secrets: new Set<string>() };
    const connection = resolveConnection({ text: `postgres://${host}/d?${query}`, ...source });
    return faults.length > 0 ? faults : connection?.tls;
  };

  it('are paths relative to the file that names them', () => {
    const folder = makeFolder({ ...GOOD, 'ca.pem': '', 'c.pem': '', 'k.pem': '' });
    chmodSync(join(folder, 'k.pem'), 0o600);
    expect(connect('sslmode=verify-full&sslrootcert=ca.pem&sslcert=c.pem&sslkey=k.pem', folder)).toEqual({
      mode: 'verify-full',
      rootCertificate: `${folder}/ca.pem`,
      certificate: `${folder}/c.pem`,
      key: `${folder}/k.pem`,
    });
  });

  it('must be there, and certificate and key together', () => {
    const folder = makeFolder({ 'x/': '', 'c.pem': '' });
    expect(connect('sslrootcert=none.pem', folder)).toEqual(['the file that sslrootcert names does not exist']);
    expect(connect('sslrootcert=x', folder)).toEqual(['the file that sslrootcert names is not a regular file']);
    expect(connect('sslcert=c.pem', folder)).toEqual(['the URL has sslcert without sslkey']);
    expect(connect('sslkey=c.pem', folder)).toEqual(['the URL has sslkey without sslcert']);
    expect(connect('sslrootcert=system&sslmode=require', folder)).toEqual([
      'sslrootcert=system asks for sslmode=verify-full',
    ]);
  });

  it('of the machine are trusted where the URL says system, or names another machine and no sslmode', () => {
    const folder = makeFolder({ 'bundle.pem': '', 'extra.pem': '', 'home/.postgresql/root.crt': '' });
    const [SSL_CERT_FILE, NODE_EXTRA_CA_CERTS] = [join(folder, 'bundle.pem'), join(folder, 'extra.pem')];
    const machine = { mode: 'verify-full', rootCertificate: SSL_CERT_FILE, extraCertificate: NODE_EXTRA_CA_CERTS };
    const env = { SSL_CERT_FILE, NODE_EXTRA_CA_CERTS, HOME: join(folder, 'home') };
    expect(connect('sslrootcert=system', folder, env)).toMatchObject(machine);
    expect(remote('', folder, { ...env, HOME: folder })).toMatchObject(machine);
    // What libpq would check with is more than nothing.
    const own = { mode: 'verify-full', rootCertificate: join(folder, 'home/.postgresql/root.crt') };
    expect(remote('', folder, env)).toEqual({ ...own, certificate: undefined, key: undefined });
  });

  it('are asked for where a mode that checks is named, with the way out', () => {
    const folder = makeFolder({});
    expect(connect('sslmode=verify-ca', folder)).toEqual([
      'there is nothing to check the server with: sslmode=verify-ca asks for sslrootcert, and ~/.postgresql/root.crt does not exist',
    ]);
    expect(hints.at(-1)).toBe('Name the file of its authority with sslrootcert=FILE.');
    expect(connect('sslmode=verify-full', folder)).toHaveLength(1);
    expect(hints.at(-1)).toMatch(/sslrootcert=FILE, or trust the authorities of this machine with sslrootcert=system/);
  });

  it('have a key that their owner alone can read', () => {
    const folder = makeFolder({ 'c.pem': '', 'k.pem': '' });
    chmodSync(join(folder, 'k.pem'), 0o604);
    expect(connect('sslcert=c.pem&sslkey=k.pem&sslmode=require', folder)).toEqual([
      `the private key ${folder}/k.pem may be read by others than its owner (its mode is 0604)`,
    ]);
    expect(hints.at(-1)).toBe(`Let its owner alone read it: chmod 600 ${folder}/k.pem`);
  });

  it('are looked for in no home folder where there is no TLS', () => {
    const folder = makeFolder({ '.postgresql/root.crt': '', '.postgresql/postgresql.crt': '' });
    const none = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined };
    expect(connect('sslmode=disable', folder, { HOME: folder })).toEqual(none);
  });
});
