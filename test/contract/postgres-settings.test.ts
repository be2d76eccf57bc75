import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import type { Service } from '../../src/core/project.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';
import { createDatabase, ownerLocation, randomName, runAsAdmin } from '../support/test-database.ts';

let postgres: TestPostgres;
let service: Service;
let other: string;

/** What somebody may have set for the role or the database, and how it would hurt. */
const hurtful: Readonly<Record<string, string>> = {
  statement_timeout: '1s',
  lock_timeout: '1s',
  idle_in_transaction_session_timeout: '1s',
  idle_session_timeout: '1s',
  transaction_timeout: '1s',
  synchronous_commit: 'off',
  default_transaction_isolation: 'serializable',
  search_path: 'trap',
  client_min_messages: 'error',
  standard_conforming_strings: 'off',
  client_encoding: 'LATIN1',
  tcp_keepalives_idle: '7200',
  tcp_keepalives_interval: '75',
  tcp_keepalives_count: '9',
  tcp_user_timeout: '0',
  client_connection_check_interval: '0',
};

const wanted: Readonly<Record<string, string>> = {
  statement_timeout: '0',
  lock_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  transaction_timeout: '0',
  synchronous_commit: 'on',
  default_transaction_isolation: 'read committed',
  client_min_messages: 'notice',
  standard_conforming_strings: 'on',
  client_encoding: 'UTF8',
  // What the socket really has: SHOW asks the kernel.
  tcp_keepalives_idle: '2',
  tcp_keepalives_interval: '1',
  tcp_keepalives_count: '2',
  tcp_user_timeout: '4000',
  client_connection_check_interval: '500ms',
};

beforeAll(async () => {
  postgres = await startPostgres();
  service = await createDatabase(postgres);
  other = randomName('other');
  await runAsAdmin(postgres, `CREATE ROLE ${other}; GRANT ${other} TO ${service.owner.role}`);
  for (const [name, value] of Object.entries({ ...hurtful, role: other })) {
    await runAsAdmin(postgres, `ALTER ROLE ${service.owner.role} SET ${name} = '${value}'`);
    if (name !== 'role') await runAsAdmin(postgres, `ALTER DATABASE ${service.database} SET ${name} = '${value}'`);
  }
});

afterAll(async () => {
  await postgres?.stop();
});

it.each([
  ['lock', 'pg_catalog'],
  ['worker', 'trap'],
  ['admin', 'pg_catalog'],
])(
  'the session of purpose %s has every setting of orch, whatever the role and the database set',
  async (purpose, path) => {
    const session = await new PostgresDatabase({ run: 'settings' }).connect(ownerLocation(service), purpose);
    onTestFinished(() => session.close());
    const shown = async (): Promise<Record<string, unknown>> => {
      const list = [...Object.keys(wanted), 'search_path'].map((name) => `current_setting('${name}') AS ${name}`);
      const { rows } = await session.run(`SELECT ${list.join(', ')}, current_user::text AS who`);
      return { ...rows[0] };
    };
    const expected = { ...wanted, search_path: path, who: service.owner.role };
    expect(await shown()).toEqual(expected);
    // As between revisions.
    await session.run('DISCARD ALL');
    await session.run('RESET ROLE');
    expect(await shown()).toEqual(expected);
  },
);

it('behind a pooler that takes none at start-up they are set once the session is open', async () => {
  const location = { ...ownerLocation(service), pooler: true };
  const session = await new PostgresDatabase({ run: 'settings' }).connect(location, 'lock');
  onTestFinished(() => session.close());
  const list = Object.keys(wanted).map((name) => `current_setting('${name}') AS ${name}`);
  const { rows } = await session.run(`SELECT ${list.join(', ')}, current_user::text AS who, pg_backend_pid() AS pid`);
  expect({ ...rows[0] }).toEqual({ ...wanted, who: service.owner.role, pid: session.pid });
});
