import { expect, it, onTestFinished } from 'vitest';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { postgresSessions } from '../../src/adapters/postgres/sessions.ts';
import { startPostgres } from '../support/postgres.ts';
import { adminLocation, createDatabase } from '../support/test-database.ts';

it('a process id that the server has given to another session meanwhile ends nobody', async () => {
  const postgres = await startPostgres();
  onTestFinished(() => postgres.stop());
  const service = await createDatabase(postgres);
  const database = new PostgresDatabase({ run: 'sessions' });
  const [session, other] = [
    await database.connect(adminLocation(postgres, service.database), 'observe'),
    await database.connect(adminLocation(postgres, service.database), 'worker'),
  ];
  onTestFinished(async () => {
    await Promise.all([session.close(), other.close()]);
  });
  const lost = new Promise((resolve) => other.onLost(resolve));
  const list = await postgresSessions.list(session, service);
  const found = list.find(({ pid }) => pid === other.pid);
  if (found === undefined) throw new Error('it is not listed');
  for (const since of ['', '2001-01-01T00:00:00.000Z'])
    expect(await postgresSessions.end(session, { ...found, since }, 'terminate')).toBe(false);
  expect(await other.run('SELECT 1')).toMatchObject({ rowCount: 1 });
  expect(await postgresSessions.end(session, found, 'terminate')).toBe(true);
  await lost;
});
