import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadProject } from '../../src/config/load-project.ts';
import { A, B, failureIn, faultLines, GOOD, load, MAIN, makeFolder } from './project-folder.ts';

const REPOSITORY = resolve(import.meta.dirname, '../..');

describe('loadProject', () => {
  it('fills in defaults', async () => {
    const project = await load({});
    expect(project.policies).toEqual({
      lockWait: 60_000,
      lockTimeout: 500,
      lockRetry: 120_000,
      statementTimeout: 0,
      failFast: false,
      concurrency: 4,
    });
    expect(project.composeFiles).toEqual([]);
    expect(project.servers).toEqual([
      {
        name: 'main',
        host: '127.0.0.1',
        port: 54329,
        tls: { mode: 'prefer', rootCertificate: undefined, certificate: undefined, key: undefined },
        admin: { role: 'postgres', password: 'canary-admin' },
        maintenanceDatabase: 'postgres',
        container: undefined,
        readyTimeout: 60_000,
      },
    ]);
    expect(project.services[0]).toEqual({
      name: 'api-a',
      database: 'adb',
      server: project.servers[0],
      owner: { role: 'a_owner', password: 'canary-a' },
      roles: [],
      extensions: [],
      folder: join(project.root, 'a'),
      revisions: join(project.root, 'a/revisions'),
      seeds: undefined,
      schema: undefined,
      variables: {},
      container: undefined,
      health: { url: undefined, timeout: 60_000 },
      local: undefined,
      needs: [],
      file: join(project.root, 'a/service.yaml'),
    });
  });

  it('takes production for the environment where none is named', async () => {
    expect(
      (await load({ 'orchestrator.config.yaml': MAIN.replace('environment: development\n', '') })).environment,
    ).toBe('production');
  });

  it('resolves everything that a service can say', async () => {
    const project = await load({
      'orchestrator.config.yaml': `${MAIN}compose: { files: [x/compose.yaml, /abs.yaml] }\npolicies: { lockWait: 500ms, lockTimeout: 2, lockRetry: 10s, statementTimeout: 5m, failFast: true, concurrency: 2 }\n`,
      'a/service.yaml': `${A}prerequisites:
  roles:
    - name: a_app
      passwordFile: app.txt
    - name: a_other
      access: none
  extensions: [pgcrypto, { name: vector, version: '0.5' }]
seeds: seeds
revisions: revs
container: a
health: { url: http://127.0.0.1:1/health, timeout: 1h }
needs: [api-b]
local:
  command: [node, main.ts]
  port: 8001
  environment: { A: b, N: 1, Y: true }
`,
      'a/app.txt': 'canary-app\n',
      'a/seeds/': '',
      'a/revs/': '',
    });
    expect(project.composeFiles).toEqual([join(project.root, 'x/compose.yaml'), '/abs.yaml']);
    expect(project.policies).toEqual({
      lockWait: 500,
      lockTimeout: 2000,
      lockRetry: 10_000,
      statementTimeout: 300_000,
      failFast: true,
      concurrency: 2,
    });
    expect(project.services[0]).toMatchObject({
      roles: [
        { name: 'a_app', password: 'canary-app', access: 'application' },
        { name: 'a_other', password: undefined, access: 'none' },
      ],
      extensions: [
        { name: 'pgcrypto', minimumVersion: undefined },
        { name: 'vector', minimumVersion: '0.5' },
      ],
      seeds: join(project.root, 'a/seeds'),
      schema: undefined,
      revisions: join(project.root, 'a/revs'),
      container: 'a',
      health: { url: 'http://127.0.0.1:1/health', timeout: 3_600_000 },
      needs: ['api-b'],
      local: { command: ['node', 'main.ts'], port: 8001, environment: { A: 'b', N: '1', Y: 'true' } },
    });
    expect(project.secrets.toSorted()).toEqual(['canary-a', 'canary-admin', 'canary-app', 'canary-b']);
  });

  it('finds the file in a parent of the working folder', async () => {
    const root = makeFolder(GOOD);
    mkdirSync(join(root, 'a/deep/er'), { recursive: true });
    expect((await loadProject({ cwd: join(root, 'a/deep/er'), env: {} })).file).toBe(
      join(root, 'orchestrator.config.yaml'),
    );
  });

  it('reads the file that is given, relative to the working folder', async () => {
    const root = makeFolder({ ...GOOD, 'other.yaml': MAIN.replace('shop', 'other') });
    expect((await loadProject({ cwd: join(root, 'a'), configPath: '../other.yaml', env: {} })).name).toBe('other');
  });

  it('names every place that it looked in when there is no file', async () => {
    const root = makeFolder({ 'x/': '' });
    const failure = await failureIn(join(root, 'x'));
    expect(failure?.code).toBe('config-not-found');
    expect(failure?.details).toMatchObject({
      searched: expect.arrayContaining([
        join(root, 'x/orchestrator.config.yaml'),
        join(root, 'orchestrator.config.yaml'),
      ]),
    });
    const given = await failureIn(root, {}, 'none.yaml');
    expect(given?.details).toEqual({ searched: [join(root, 'none.yaml')] });
  });

  it('shows what is wrong behind a fault of shape too, once each, and nothing that follows from it', async () => {
    const wrong = `name: api-a
database: 7
owner:
  role: [a]
  passwordFile: nowhere
server: mian
prerequisites:
  roles:
    - { name: 1 }
  extensions: [vector, vector]
revisions: none
health: { timeout: soon }
needs: [api-x]
`;
    const faults = await faultLines({ 'a/service.yaml': wrong });
    expect(faults.map((fault) => fault.replace(/(expected).*/, '$1'))).toEqual([
      'a/service.yaml:2:11: expected',
      'a/service.yaml:4:9: expected',
      'a/service.yaml:5:17: the password file does not exist',
      "a/service.yaml:6:9: no server is named 'mian' (Did you mean 'main'?)",
      'a/service.yaml:9:15: expected',
      'a/service.yaml:10:24: this extension stands here twice',
      'a/service.yaml:11:12: the revisions folder a/none does not exist',
      'a/service.yaml:12:20: expected',
      "a/service.yaml:13:9: no service is named 'api-x' (Did you mean 'api-b'?)",
    ]);
  });

  it('shows all faults of all files at once, in the order of files and lines', async () => {
    expect(
      await faultLines({
        'orchestrator.config.yaml': MAIN.replace('project: shop', 'projekt: shop').replace('canary-admin', '${NO}'),
        'a/service.yaml': `${A}health: { timeout: soon }\nseeds: none\n`,
        'b/service.yaml': B.replace('bdb', 'postgres'),
      }),
    ).toEqual([
      "orchestrator.config.yaml:1:1: the key 'project' is missing (Expected: a name (a-z, 0-9, - and _, beginning with a letter or digit, at most 63 characters).)",
      "orchestrator.config.yaml:1:1: unknown key 'projekt' (Did you mean 'project'?)",
      'orchestrator.config.yaml:6:15: the variable NO is not set (Set NO, or give a default: ${NO:-…}.)',
      "a/service.yaml:6:20: expected a duration such as 30s, 500ms, 5m, 1h or a number of seconds, found 'soon'",
      'a/service.yaml:7:8: the seeds folder a/none does not exist',
      'b/service.yaml:2:11: no service can have this database: postgres is a database of the server itself (Give it a name of its own.)',
    ]);
  });

  it.skipIf(!existsSync(join(REPOSITORY, 'orchestrator.config.yaml')))(
    'loads the sample of this repository',
    async () => {
      const project = await loadProject({ cwd: REPOSITORY, env: {} });
      expect(project.services.map(({ name, database }) => `${name} ${database}`)).toEqual([
        'api-auth authdb',
        'api-user apidb',
        'api-admin admindb',
      ]);
    },
  );
});

describe('variables', () => {
  it('puts them into values after parsing, where they stay text', async () => {
    const value = "x: y, ${X} $$ # 'quoted'\n- z";
    const project = await load(
      {
        'a/service.yaml': A.replace('canary-a', '${SECRET}'),
        'b/service.yaml': `${B}local: { command: [node], port: "\${PORT:-81}", environment: { V: "\${V}" } }\n`,
      },
      { SECRET: value, V: value, PORT: '8080' },
    );
    expect(project.services[0]?.owner.password).toBe(value);
    expect(project.services[1]?.local).toEqual({ command: ['node'], port: 8080, environment: { V: value } });
  });

  it('reads a secret from the file that NAME_FILE names', async () => {
    const root = makeFolder({ ...GOOD, 'a/service.yaml': A.replace('canary-a', '${PW}'), 'pw.txt': 'canary-file\r\n' });
    const project = await loadProject({ cwd: root, env: { PW_FILE: 'pw.txt' } });
    expect(project.services[0]?.owner.password).toBe('canary-file');
    expect(project.secrets).toContain('canary-file');
  });

  it('does not read NAME_FILE where no secret is meant', async () => {
    expect(
      await faultLines({ 'a/service.yaml': `${A}container: \${LOG}\n`, 'log.txt': 'x' }, { LOG_FILE: 'log.txt' }),
    ).toEqual(['a/service.yaml:6:12: the variable LOG is not set (Set LOG, or give a default: ${LOG:-…}.)']);
  });

  it('refuses NAME beside NAME_FILE, and a file that is not there', async () => {
    const file = { 'a/service.yaml': A.replace('canary-a', '"${PW}"'), 'pw.txt': 'x' };
    expect(await faultLines(file, { PW_FILE: 'pw.txt', PW: 'y' })).toEqual([
      'a/service.yaml:5:14: both PW and PW_FILE are set; one of them is enough',
    ]);
    expect(await faultLines(file, { PW_FILE: 'none.txt' })).toEqual([
      'a/service.yaml:5:14: the file that PW_FILE names does not exist',
    ]);
  });

  it('says nothing more of a value in which one is missing', async () => {
    expect(await faultLines({ 'a/service.yaml': A.replace('adb', 'postgres${NO}') })).toEqual([
      'a/service.yaml:2:19: the variable NO is not set (Set NO, or give a default: ${NO:-…}.)',
    ]);
  });

  it('keeps secret what a key or a variable with such a name gives', async () => {
    const local = 'local: { command: [x], environment: { API_KEY: canary-key, DSN: "x ${DB_PASSWORD}" } }';
    const { secrets } = await load({ 'a/service.yaml': `${A}${local}\n` }, { DB_PASSWORD: 'canary-variable' });
    expect(secrets).toEqual(expect.arrayContaining(['canary-key', 'canary-variable']));
  });

  it('looks at what a variable gave as at any other value', async () => {
    const port = { 'a/service.yaml': `${A}local:\n  command: [node]\n  port: \${PORT}\n` };
    expect((await load(port, { PORT: '65535' })).services[0]?.local?.port).toBe(65_535);
    expect(await faultLines(port, { PORT: '65536' })).toEqual([
      'a/service.yaml:8:9: expected a whole number from 1 to 65535, found 65536',
    ]);
    expect(await faultLines(port, { PORT: 'x' })).toEqual([
      "a/service.yaml:8:9: expected a whole number from 1 to 65535, found 'x'",
    ]);
    expect(await faultLines(port, { PORT: '${PORT}' })).toEqual([
      "a/service.yaml:8:9: expected a whole number from 1 to 65535, found '${PORT}'",
    ]);
  });
});

describe('ORCH_SERVER_URL', () => {
  it('points all services at an existing server that is not ours to start', async () => {
    const project = await load(
      {
        'orchestrator.config.yaml': MAIN.replace(
          'password: canary-admin',
          'passwordFile: not-there\n    container: postgres',
        ),
      },
      { ORCH_SERVER_URL: 'postgresql+psycopg://root:canary%2Durl@db.example.org/maint' },
    );
    expect(project.servers).toHaveLength(1);
    expect(project.servers[0]).toMatchObject({
      name: 'ORCH_SERVER_URL',
      host: 'db.example.org',
      port: 5432,
      tls: { mode: 'verify-full' },
      admin: { role: 'root', password: 'canary-url' },
      maintenanceDatabase: 'maint',
      container: undefined,
    });
    expect(new Set(project.services.map(({ server }) => server)).size).toBe(1);
    expect(project.secrets).toEqual(expect.arrayContaining(['canary-url', 'canary%2Durl']));
  });

  it('points one service at one', async () => {
    const project = await load({}, { ORCH_SERVER_URL_API_B: 'postgres://u@elsewhere:1/x', ORCH_SERVER_URL: '' });
    expect(project.services.map(({ server }) => `${server.name} ${server.host}`)).toEqual([
      'main 127.0.0.1',
      'ORCH_SERVER_URL_API_B elsewhere',
    ]);
  });

  it('comes from a file too', async () => {
    const root = makeFolder({ ...GOOD, url: 'postgres://u:canary-x@h/x\n' });
    const project = await loadProject({ cwd: root, env: { ORCH_SERVER_URL_FILE: 'url' } });
    expect(project.servers[0]).toMatchObject({ host: 'h', admin: { password: 'canary-x' } });
  });

  it('is refused where it is no URL, or names no service', async () => {
    expect(await faultLines({}, { ORCH_SERVER_URL_API_A: 'mysql://u:canary@h/x', ORCH_SERVER_URL_API_C: 'x' })).toEqual(
      [
        'the variable ORCH_SERVER_URL_API_A: this is no PostgreSQL connection URL (Write it as postgresql://role@host:5432/database.)',
        "the variable ORCH_SERVER_URL_API_C: it names no service of the project (Did you mean 'ORCH_SERVER_URL_API_A'?)",
      ],
    );
  });
});
