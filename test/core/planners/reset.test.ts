import { describe, expect, test } from 'vitest';
import type { ObservedService } from '../../../src/core/observed.ts';
import { planReset } from '../../../src/core/planners/reset.ts';
import { historyOf } from '../../../src/core/planners/upgrade.ts';
import { applied, container, database, nothing, planText, project, revisions, service } from '../support.ts';

const auth = service('auth');
const one = revisions('001_a');
const history = historyOf(one, []);
const full: ObservedService = { database: database(auth, applied(one)), container: container() };

describe('reset', () => {
  test('stops the service, drops and rebuilds the database, and starts the service again', () => {
    expect(planText(planReset(project([auth]), auth, full, history))).toBe(`
auth/authdb  stop-service  because it uses the database
auth/authdb  drop-database  because reset was asked for  after auth/stop-service
auth/authdb  create-database  because the server does not have it  after auth/drop-database
auth/authdb  acquire-lock  because one writer at a time  after auth/create-database
auth/authdb  grant-access auth_app  because it cannot use the tables yet  after auth/acquire-lock
auth/authdb  create-ledger  because the database has none  after auth/grant-access/auth_app
auth/authdb  apply-revision 001_a  because it is pending  after auth/create-ledger
auth/authdb  release-lock  because the database is done  after auth/apply-revision/revision/001_a
auth/authdb  start-service  because its container is exited  after auth/release-lock
auth/authdb  wait-healthy  because it was started  after auth/start-service
`);
  });

  test('that was killed after the drop goes on from there', () => {
    const half: ObservedService = { database: nothing(auth), container: container({ state: 'exited' }) };
    const text = planText(planReset(project([auth]), auth, half, history));
    expect(text).not.toContain('drop-database');
    expect(text).not.toContain('stop-service');
    expect(text).toContain('create-database');
    expect(text).toContain('start-service');
  });

  test('starts no service that has no container', () => {
    const text = planText(planReset(project([auth]), auth, { ...full, container: undefined }, history));
    expect(text).not.toContain('-service');
  });

  test.each(['test', 'staging', 'production'] as const)('is refused in %s', (environment) => {
    expect(() => planReset(project([auth], { environment }), auth, full, history)).toThrow(
      expect.objectContaining({ code: 'reset-refused' }),
    );
  });
});
