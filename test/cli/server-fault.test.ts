import { once } from 'node:events';
import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { startFakeServer } from '../support/fake-server.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { expectFault, jsonLines, run } from './support.ts';

const revisions = { '001_a.up.sql': 'CREATE TABLE a ();' };
const nothingChanged = 'nothing was changed in the databases of this server.';

/** A project whose server is said to be elsewhere, with a short deadline. */
async function projectAt(url: string, services = ['api']): Promise<ProjectFolder> {
  const project = await makeProject(Object.fromEntries(services.map((name) => [name, { revisions }])), { server: url });
  await project.write(
    'orchestrator.config.yaml',
    `project: sample
environment: development
servers: { main: { url: '${url}', password: admin-canary-4d21, readyTimeout: 1200ms } }
services: [${services.map((name) => `${name}/service.yaml`).join(', ')}]
`,
  );
  return project;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

const commands: readonly (readonly string[])[] = [
  ['migrate'],
  ['plan'],
  ['current'],
  ['status'],
  ['wait'],
  ['reset', 'api', '--yes'],
];
const secrets = ['admin-canary-4d21'];

describe('a server that cannot be used', () => {
  it.each(commands)('because its host name does not resolve: orch %s', async (...args) => {
    const project = await projectAt('postgresql://postgres@no-such-host.invalid:5432/postgres');
    expectFault(await run(project, args, { secrets }), {
      code: 8,
      happened: ['server main: the host name no-such-host.invalid does not resolve', /ENOTFOUND|EAI_AGAIN/],
      now: nothingChanged,
      next: [
        'url of servers.main in orchestrator.config.yaml  # correct the host name',
        'orch wait  # asks the servers again',
      ],
    });
  });

  it.each(commands)('because nothing listens: orch %s', async (...args) => {
    const port = await freePort();
    const project = await projectAt(`postgresql://postgres@127.0.0.1:${port}/postgres`);
    const ended = await run(project, args, { secrets });
    expectFault(ended, {
      code: 8,
      happened: [`server main: nothing answers at 127.0.0.1:${port}`, `connect ECONNREFUSED 127.0.0.1:${port}`],
      now: nothingChanged,
      next: 'url of servers.main in orchestrator.config.yaml  # correct host and port, if they are wrong',
    });
    expect(ended.stderr).not.toContain('(08');
  });

  it.each([['migrate'], ['wait'], ['reset', 'api', '--yes']])(
    'because it accepts TCP and never answers: orch %s',
    async (...args) => {
      const server = await startFakeServer();
      try {
        const project = await projectAt(`postgresql://postgres@127.0.0.1:${server.port}/postgres`);
        expectFault(await run(project, args, { secrets }), {
          code: 8,
          happened: [
            `server main: 127.0.0.1:${server.port} accepts connections, but does not answer as PostgreSQL does, waited `,
            'no answer within',
          ],
          now: nothingChanged,
          next: 'url of servers.main in orchestrator.config.yaml  # correct host and port, if they are wrong',
        });
      } finally {
        await server.close();
      }
    },
  );

  it('because it is no PostgreSQL', async () => {
    const server = await startFakeServer((_, socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    try {
      const project = await projectAt(`postgresql://postgres@127.0.0.1:${server.port}/postgres`);
      expectFault(await run(project, ['migrate'], { secrets }), {
        code: 8,
        happened: 'server main: ',
        now: nothingChanged,
        next: 'orch wait',
      });
    } finally {
      await server.close();
    }
  });

  it('is told once, however many services use it', async () => {
    const project = await projectAt(`postgresql://postgres@127.0.0.1:${await freePort()}/postgres`, [
      'api-a',
      'api-b',
      'api-c',
    ]);
    for (const command of ['migrate', 'plan', 'status', 'wait']) {
      const ended = await run(project, [command], { secrets });
      expect(ended.code).toBe(8);
      expect(ended.stderr.match(/^✖ /gm), command).toHaveLength(1);
    }
  });

  it('names each probe while it waits', async () => {
    const project = await projectAt(`postgresql://postgres@127.0.0.1:${await freePort()}/postgres`);
    const lines = jsonLines(await run(project, ['wait', '-o', 'json'], { secrets }));
    expect(lines.find(({ type }) => type === 'probe-awaited')).toMatchObject({ server: 'main', probe: 'tcp' });
    expect(lines.at(-1)).toMatchObject({
      type: 'run-failed',
      failure: { code: 'server-unreachable', exitCode: 8, details: { probe: 'tcp' } },
    });
  });
});

describe('a login that is refused', () => {
  it.each(commands)('of the admin: orch %s says in which file', async (...args) => {
    const project = await makeProject({ api: { revisions } });
    await project.write('admin_password', 'wrong-canary-55e0');
    expectFault(await run(project, args, { secrets: ['wrong-canary-55e0'] }), {
      code: 8,
      happened: [
        `refuses the login of ${project.postgres.adminRole} to the database postgres (28P01)`,
        `password authentication failed for user "${project.postgres.adminRole}"`,
      ],
      now: nothingChanged,
      next: 'url of servers.main in orchestrator.config.yaml  # correct the role in it, its password or its passwordFile',
    });
    expect(await project.sql(undefined, `SELECT FROM pg_roles WHERE rolname = '${project.owner('api')}'`)).toEqual([]);
  });

  it.each([['migrate'], ['plan'], ['current'], ['status']])(
    'of the owner: orch %s says in which file',
    async (command) => {
      const project = await makeProject({ api: { revisions } });
      await run(project, ['migrate']);
      await project.sql(undefined, `ALTER ROLE ${project.owner('api')} PASSWORD 'another-canary-19ab'`);
      expectFault(await run(project, [command], { secrets: ['another-canary-19ab'] }), {
        code: 8,
        happened: `refuses the login of ${project.owner('api')} to the database ${project.database('api')} (28P01)`,
        now: nothingChanged,
        next: [
          'owner in api/service.yaml  # correct its password or its passwordFile',
          `\\password ${project.owner('api')}  -- in psql`,
        ],
      });
    },
  );
});

describe('a prerequisite that is not met', () => {
  it('a database of that name belongs to somebody else', async () => {
    const project = await makeProject({ api: { revisions } });
    const database = project.database('api');
    await project.sql(undefined, `CREATE DATABASE ${database}`);
    for (const command of ['plan', 'migrate']) {
      const ended = await run(project, [command]);
      expectFault(ended, {
        code: 2,
        happened: [
          `api: the database ${database} belongs to somebody else`,
          `wanted: owner ${project.owner('api')}, found: owner ${project.postgres.adminRole}`,
        ],
        now: `nothing was applied to ${database}.`,
        next: `ALTER DATABASE ${database} OWNER TO ${project.owner('api')};  -- if it is truly this service's database`,
      });
    }
    expect(await project.sql('api', "SELECT FROM pg_namespace WHERE nspname = 'orch'")).toEqual([]);
    expect(await project.sql(undefined, `SELECT FROM pg_roles WHERE rolname = '${project.owner('api')}'`)).toEqual([]);
  });

  it.each([
    ['no_such_extension', 'the server of %s does not have the extension no_such_extension', 'apt-get install'],
    ["{ name: plpgsql, version: '99' }", 'the extension plpgsql is too old on the server of %s', '99 or later'],
  ])('an extension: %s', async (extension, happened, next) => {
    const sketch = { revisions: { ...revisions, '002_b.up.sql': 'CREATE TABLE b ();' } };
    const project = await makeProject({ api: sketch });
    await run(project, ['migrate', '1']);
    const database = project.database('api');
    const yaml = `name: api
database: ${database}
owner: { role: ${project.owner('api')}, password: owner-canary-7f3a }
prerequisites: { extensions: [${extension}] }
`;
    await project.write('api/service.yaml', yaml);
    for (const command of ['plan', 'migrate']) {
      expectFault(await run(project, [command]), {
        code: 2,
        happened: `api: ${happened.replace('%s', database)}`,
        now: `nothing was applied to ${database}.`,
        next: [next, 'FROM pg_available_extensions'],
      });
    }
    expect(await project.sql('api', 'SELECT name FROM orch.heads')).toEqual([{ name: '001_a' }]);
  });

  it('the owner may not read the ledger', async () => {
    const project = await makeProject({ api: { revisions } });
    await run(project, ['migrate']);
    await project.sql('api', 'ALTER TABLE orch.ledger OWNER TO CURRENT_USER');
    expectFault(await run(project, ['status']), {
      code: 2,
      happened: [`the role ${project.owner('api')} may not do what is needed`, 'permission denied for table ledger'],
      now: project.database('api'),
      next: 'orch plan',
    });
  });
});
