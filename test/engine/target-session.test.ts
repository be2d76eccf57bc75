import { expect, it } from 'vitest';
import { TargetSession } from '../../src/engine/target-session.ts';
import { DatabaseError, type Session } from '../../src/ports/database.ts';
import type { Run } from '../../src/ports/run.ts';
import { service } from '../core/support.ts';

interface Opened {
  readonly purpose: string;
  readonly limit: AbortSignal | undefined;
  readonly queries: string[];
  lose(): void;
}

/** The sessions of a service over connections that the test can end. */
async function openBoth(
  onPause = (_: readonly Opened[]): void => undefined,
): Promise<{ readonly target: TargetSession; readonly opened: Opened[] }> {
  const opened: Opened[] = [];
  const connect = async (_: unknown, purpose: string, limit?: AbortSignal): Promise<Session> => {
    const listeners: ((error: DatabaseError) => void)[] = [];
    const queries: string[] = [];
    const lose = (): void => {
      for (const listener of listeners) listener(new DatabaseError('gone', { sqlstate: '08006', connection: true }));
    };
    opened.push({ purpose, limit, queries, lose });
    return {
      pid: opened.length,
      onLost: (listener: (error: DatabaseError) => void) => void listeners.push(listener),
      query: async (sql: string) => void queries.push(sql),
      close: async () => undefined,
    } as unknown as Session;
  };
  const run = {
    signal: new AbortController().signal,
    ports: {
      database: { connect },
      targets: { owner: () => ({ sessions: 'many' }) },
      clock: { sleep: async () => onPause(opened) },
    },
  } as unknown as Run;
  const target = new TargetSession(run, service('api'));
  await target.keeper();
  await target.worker();
  return { target, opened };
}

const purposes = (opened: readonly Opened[]): readonly string[] => opened.map(({ purpose }) => purpose);

it('a worker whose lock is lost is cancelled over a connection of its own, for which there is a limit', async () => {
  const { target, opened } = await openBoth();
  opened[0]?.lose();
  await target.cancelWorker();
  expect(purposes(opened)).toEqual(['lock', 'worker', 'cancel']);
  expect(opened[2]?.queries).toEqual([expect.stringContaining('pg_cancel_backend')]);
  expect(opened[2]?.limit).toBeInstanceOf(AbortSignal);
});

it('a server that is gone is not asked to cancel anything: it ends both sessions, one after the other', async () => {
  const { target, opened } = await openBoth(([, worker]) => worker?.lose());
  opened[0]?.lose();
  await target.cancelWorker();
  expect(purposes(opened)).toEqual(['lock', 'worker']);
});

it('an interrupt cancels in the session of the lock', async () => {
  const { target, opened } = await openBoth();
  await target.cancelWorker();
  expect(purposes(opened)).toEqual(['lock', 'worker']);
  expect(opened[0]?.queries).toEqual([expect.stringContaining('pg_cancel_backend')]);
});
