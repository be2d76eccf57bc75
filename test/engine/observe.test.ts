import { describe, expect, it } from 'vitest';
import { observe } from '../../src/engine/observe.ts';
import { TargetSessions } from '../../src/engine/target-sessions.ts';
import { DatabaseError, type Session } from '../../src/ports/database.ts';
import type { Run } from '../../src/ports/run.ts';
import { service } from '../core/support.ts';

const api = service('api');
const seen = { exists: true, owner: 'api_owner', ledger: undefined, extensions: [] };

/** A run whose owner is refused so often, while the admin role finds all that the owner needs. */
function refusedLogins(times: number): { readonly run: Run; readonly logins: () => number } {
  let logins = 0;
  const location = { host: 'h', port: 1, database: 'apidb', role: 'api_owner', sessions: 'many' };
  const connect = async (): Promise<Session> => {
    logins += 1;
    if (logins <= times) throw new DatabaseError('no such role', { sqlstate: '28P01', connection: false });
    return { pid: logins, onLost: () => undefined, close: async () => undefined } as unknown as Session;
  };
  const ports = {
    database: { connect },
    targets: { owner: () => location, admin: () => location },
    admin: { observe: async () => ({ missingRoles: [], databaseExists: true, databaseOwner: 'api_owner' }) },
    ledger: { observe: async () => seen },
  };
  const run = { ports, signal: new AbortController().signal } as unknown as Run;
  return { run, logins: () => logins };
}

describe('an owner that could not log in, though the admin role finds its role and database', () => {
  const look = async (run: Run) =>
    (await observe(run, new TargetSessions(run), [api], { containers: false, wait: false })).services.get('api');

  it('logs in again: another orch has made them in between', async () => {
    const { run, logins } = refusedLogins(1);
    expect(await look(run)).toEqual({ database: seen, container: undefined });
    expect(logins()).toBe(2);
  });

  it('is a failure where it is refused once more', async () => {
    const { run, logins } = refusedLogins(Number.POSITIVE_INFINITY);
    expect(await look(run)).toMatchObject({ details: { sqlstate: '28P01' } });
    expect(logins()).toBe(2);
  });
});
