import { mkdirSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Files } from './project-folder.ts';
import { A, B, faultLines, faultsIn, formatFault, GOOD, load, MAIN, makeFolder } from './project-folder.ts';

const C = `name: api-c
database: cdb
owner: { role: c_owner }
`;
const THREE: Files = {
  'orchestrator.config.yaml': `${MAIN}  - c/service.yaml\n`,
  'c/service.yaml': C,
  'c/revisions/': '',
};
const TWO_SERVERS = MAIN.replace('services:', '  spare:\n    url: postgresql://postgres@spare/postgres\nservices:');

describe('two services', () => {
  it('cannot have one name', async () => {
    expect(await faultLines({ 'b/service.yaml': B.replace('api-b', 'api-a') })).toEqual([
      "b/service.yaml:1:7: two services are named 'api-a' (The other one: a/service.yaml:1.)",
    ]);
  });

  it('cannot have one database on one server', async () => {
    expect(await faultLines({ 'b/service.yaml': B.replace('bdb', 'adb') })).toEqual([
      "b/service.yaml:2:11: two services have one database: api-a and api-b have 'adb' (The other one: a/service.yaml:2.)",
    ]);
  });

  it('cannot have one database on one server that is written in two ways', async () => {
    const url = 'url: postgresql://b_owner@LOCALHOST:54329/adb';
    expect(await faultLines({ 'b/service.yaml': `name: api-b\n${url}\n` })).toEqual([
      "b/service.yaml:2:6: two services have one database: api-a and api-b have 'adb' (The other one: a/service.yaml:2.)",
    ]);
  });

  it('can have databases of one name on two servers', async () => {
    const project = await load({
      'orchestrator.config.yaml': TWO_SERVERS,
      'a/service.yaml': `${A}server: main\n`,
      'b/service.yaml': `${B.replace('bdb', 'adb')}server: spare\n`,
    });
    expect(project.servers.map(({ name, tls }) => `${name} ${tls.mode}`)).toEqual(['main prefer', 'spare prefer']);
  });

  it('cannot give one role two passwords', async () => {
    expect(await faultLines({ 'b/service.yaml': B.replace('b_owner', 'a_owner') })).toEqual([
      "b/service.yaml:4:9: two services give the role 'a_owner' different passwords (The other one: a/service.yaml:4.)",
    ]);
  });

  it('can share a role', async () => {
    await load({ 'b/service.yaml': B.replace('b_owner', 'a_owner').replace('canary-b', 'canary-a') });
  });

  it('cannot come from one file', async () => {
    expect(await faultLines({ 'orchestrator.config.yaml': `${MAIN}  - ./a/../a/service.yaml\n` })).toEqual([
      'orchestrator.config.yaml:10:5: this file stands here twice',
    ]);
  });
});

describe('needs', () => {
  it('of a service that needs itself', async () => {
    expect(await faultLines({ 'a/service.yaml': `${A}needs: [api-a]\n` })).toEqual([
      'a/service.yaml:6:9: a service cannot need itself: api-a -> api-a (Take one of these needs out.)',
    ]);
  });

  it('of a service that there is not', async () => {
    expect(await faultLines({ 'a/service.yaml': `${A}needs:\n  - api-b\n  - api-bb\n` })).toEqual([
      "a/service.yaml:8:5: no service is named 'api-bb' (Did you mean 'api-b'?)",
    ]);
    expect(await faultLines({ 'a/service.yaml': `${A}needs: [warehouse]\n` })).toEqual([
      "a/service.yaml:6:9: no service is named 'warehouse' (Known: api-b.)",
    ]);
  });

  it('in a circle, with its whole path', async () => {
    expect(
      await faultLines({
        ...THREE,
        'a/service.yaml': `${A}needs: [api-b]\n`,
        'b/service.yaml': `${B}needs: [api-c]\n`,
        'c/service.yaml': `${C}needs: [api-a]\n`,
      }),
    ).toEqual([
      'a/service.yaml:6:9: services that need each other in a circle: api-a -> api-b -> api-c -> api-a (Take one of these needs out.)',
    ]);
  });

  it('of two services of the same one are no circle', async () => {
    const project = await load({
      ...THREE,
      'a/service.yaml': `${A}needs: [api-c]\n`,
      'b/service.yaml': `${B}needs: [api-c, api-a]\n`,
    });
    expect(project.services.map(({ needs }) => needs)).toEqual([['api-c'], ['api-c', 'api-a'], []]);
  });

  it('are not called unknown while a file cannot be read', async () => {
    expect(await faultLines({ 'a/service.yaml': `${A}needs: [api-b]\n`, 'b/service.yaml': 'name: [\n' })).toEqual([
      'b/service.yaml:2:1: the indentation does not fit the lines around it',
    ]);
  });
});

describe('the server of a service', () => {
  it('must be named where there are several', async () => {
    expect(
      await faultLines({ 'orchestrator.config.yaml': TWO_SERVERS, 'b/service.yaml': `${B}server: main\n` }),
    ).toEqual([
      'a/service.yaml:1:7: the service names no server, and the project has 2: main, spare (Add server: and one of them.)',
    ]);
  });

  it('must be there', async () => {
    expect(await faultLines({ 'a/service.yaml': `${A}server: mian\n` })).toEqual([
      "a/service.yaml:6:9: no server is named 'mian' (Did you mean 'main'?)",
    ]);
    expect(
      await faultLines({
        'orchestrator.config.yaml': MAIN.replace(/servers:[\s\S]*services/, 'services'),
        'b/service.yaml': 'name: api-b\nurl: postgres://o@h/d\n',
      }),
    ).toEqual([
      'a/service.yaml:1:7: the service names no server, and the project declares none (Declare one under servers, or give the service a url.)',
    ]);
  });

  it('can be a database of its own', async () => {
    const text =
      'name: api-a\nurl: postgresql+asyncpg://Some-Owner@db.example.org:6432/Existing-Db?sslmode=require\nowner: { password: canary-own }\n';
    const { services } = await load({ 'a/service.yaml': text });
    expect(services[0]).toMatchObject({
      database: 'Existing-Db',
      owner: { role: 'Some-Owner', password: 'canary-own' },
      server: {
        name: 'api-a',
        host: 'db.example.org',
        port: 6432,
        admin: undefined,
        container: undefined,
        tls: { mode: 'require' },
      },
    });
  });

  it('cannot be both', async () => {
    expect(
      await faultLines({ 'a/service.yaml': `${A.replace('a_owner', 'x')}server: main\nurl: postgresql://y@h/z\n` }),
    ).toEqual([
      "a/service.yaml:2:11: the url names another database: 'z' (Take one of the two out.)",
      "a/service.yaml:4:9: the url names another role: 'y' (Take one of the two out.)",
      'a/service.yaml:6:1: both url and server (Keep one of the two.)',
    ]);
  });

  it('needs role and database in its url where nothing else names them', async () => {
    expect(await faultLines({ 'a/service.yaml': 'name: api-a\nurl: postgresql://h\n' })).toEqual([
      'a/service.yaml:2:6: the URL names no database',
      'a/service.yaml:2:6: the URL names no role',
    ]);
  });
});

describe('a password', () => {
  it('cannot be given twice', async () => {
    expect(await faultLines({ 'a/service.yaml': `${A}  passwordFile: pw\n`, 'a/pw': 'x' })).toEqual([
      'a/service.yaml:6:3: both password and passwordFile (Keep one of the two.)',
    ]);
    expect(await faultLines({ 'orchestrator.config.yaml': MAIN.replace('postgres@', 'postgres:canary-url@') })).toEqual(
      ['orchestrator.config.yaml:6:5: the URL has a password, and password gives another (Keep one of the two.)'],
    );
  });

  it('is left out where it is empty', async () => {
    expect(
      (await load({ 'a/service.yaml': A.replace('canary-a', '${NONE:-}') })).services[0]?.owner.password,
    ).toBeUndefined();
  });

  it('comes from a file relative to the one that names it, without the newline at its end', async () => {
    const text = A.replace('password: canary-a', 'passwordFile: ../secrets/a');
    const { services } = await load({ 'a/service.yaml': text, 'secrets/a': ' pass word \n' });
    expect(services[0]?.owner.password).toBe(' pass word ');
  });

  it.each<[string, Files, string]>([
    ['is missing', {}, 'does not exist'],
    ['is a folder', { 'a/pw/': '' }, 'is a folder'],
    ['is empty', { 'a/pw': '\n' }, 'is empty'],
    ['is large', { 'a/pw': 'x'.repeat(64 * 1024 + 1) }, 'is larger than 64 KiB'],
    ['is binary', { 'a/pw': new Uint8Array([0xff, 0xfe]) }, 'is not UTF-8 text'],
    ['has a NUL', { 'a/pw': 'canary\0' }, 'has a NUL character'],
  ])('whose file %s is told', async (_name, files, problem) => {
    const text = A.replace('password: canary-a', 'passwordFile: pw');
    expect(await faultLines({ ...files, 'a/service.yaml': text })).toEqual([
      `a/service.yaml:5:17: the password file ${problem}`,
    ]);
  });

  it('asks for a role', async () => {
    expect(await faultLines({ 'orchestrator.config.yaml': MAIN.replace('postgres@', '') })).toEqual([
      'orchestrator.config.yaml:5:10: there is a password, and the URL names no role (Write it as postgresql://role@host:5432/database.)',
    ]);
  });
});

describe('the revisions folder', () => {
  it('must be there', async () => {
    expect(await faultLines({ 'a/service.yaml': `${A}revisions: none\nseeds: a.sql\n`, 'a/a.sql': '' })).toEqual([
      'a/service.yaml:6:12: the revisions folder a/none does not exist',
      'a/service.yaml:7:8: the seeds folder a/a.sql is not a folder',
    ]);
    const root = makeFolder({
      'orchestrator.config.yaml': MAIN.replace('  - b/service.yaml\n', ''),
      'a/service.yaml': A,
    });
    expect((await faultsIn(root)).map(formatFault)).toEqual([
      'a/service.yaml:1:1: the revisions folder a/revisions does not exist (Make it, or name another one with revisions:.)',
    ]);
  });

  it('as the file or folder of the schema, which must be there too, and inside the project', async () => {
    const hint = '(Its real path, with links followed, must be inside the folder of orchestrator.config.yaml.)';
    const files = { 'a/revisions/': '', 'a/service.yaml': `${A}schema: none.sql\n` };
    expect(await faultLines(files)).toEqual(['a/service.yaml:6:9: the schema a/none.sql does not exist']);
    expect(await faultLines({ ...files, 'a/service.yaml': `${A}schema: /etc/hostname\n` })).toEqual([
      `a/service.yaml:6:9: the schema /etc/hostname is outside the project ${hint}`,
    ]);
  });

  it('must be inside the project, links followed', async () => {
    const hint = '(Its real path, with links followed, must be inside the folder of orchestrator.config.yaml.)';
    const outside = makeFolder({ 'revs/': '' });
    const root = makeFolder({
      ...GOOD,
      'a/service.yaml': `${A}revisions: link\n`,
      'b/service.yaml': `${B}revisions: ${outside}/revs\n`,
    });
    symlinkSync(join(outside, 'revs'), join(root, 'a/link'));
    expect((await faultsIn(root)).map(formatFault)).toEqual([
      `a/service.yaml:6:12: the revisions folder a/link is outside the project ${hint}`,
      `b/service.yaml:6:12: the revisions folder ../${basename(outside)}/revs is outside the project ${hint}`,
    ]);
  });

  it('may be a link inside the project', async () => {
    const root = makeFolder({ ...GOOD, 'a/service.yaml': `${A}revisions: link\n` });
    mkdirSync(join(root, '..data'));
    symlinkSync('../..data', join(root, 'a/link'));
    expect(await faultsIn(root)).toEqual([]);
  });
});

describe('prerequisites', () => {
  it('cannot name a thing twice', async () => {
    const text = `${A}prerequisites:\n  roles: [{ name: x }, { name: x }, { name: a_owner }]\n  extensions: [vector, { name: vector }]\n`;
    expect(await faultLines({ 'a/service.yaml': text })).toEqual([
      'a/service.yaml:7:32: this role stands here twice',
      'a/service.yaml:7:45: this role is the owner already',
      'a/service.yaml:8:24: this extension stands here twice',
    ]);
  });
});
