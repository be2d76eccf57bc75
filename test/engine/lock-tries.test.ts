import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { Failure } from '../../src/core/failure.ts';
import type { StepOf } from '../../src/core/plan.ts';
import type { Revision } from '../../src/core/revision.ts';
import { LockPace } from '../../src/engine/lock-pace.ts';
import { type Tries, tryForLocks } from '../../src/engine/lock-tries.ts';
import type { TargetSession } from '../../src/engine/target-session.ts';
import { DatabaseError, type Session } from '../../src/ports/database.ts';
import type { Run } from '../../src/ports/run.ts';
import { sqlRevision } from '../support/revisions.ts';

const policies = { lockTimeout: 500, lockRetry: 10_000, statementTimeout: 0, lockWait: 2_000 };

function paceOf(revision: Partial<Revision> = {}, more: Partial<typeof policies> = {}): LockPace {
  const project = { policies: { ...policies, failFast: false, concurrency: 1, ...more } };
  return new LockPace(project, { ...sqlRevision('002_x'), ...revision } as Revision);
}

describe('the lock_timeout', () => {
  const timeouts = (pace: LockPace) => [1, 2, 3, 4, 5, 6, 100].map((attempt) => pace.settings(attempt).lockTimeout);

  it('begins as the policy says, and grows by half each time up to four times that', () => {
    expect(timeouts(paceOf())).toEqual([500, 750, 1125, 1688, 2000, 2000, 2000]);
    expect(paceOf().longest.lockTimeout).toBe(2000);
  });

  it('of a file is what it says in each try', () => {
    expect(timeouts(paceOf({ lockTimeout: 300 }))).toEqual(Array(7).fill(300));
    expect(timeouts(paceOf({ lockTimeout: 0 }))).toEqual(Array(7).fill(0));
  });

  it('is never none in a late try where it was one in the first', () => {
    for (const lockTimeout of [1, 50, 500, 3_600_000])
      for (let attempt = 1; attempt < 5_000; attempt += 97)
        expect(paceOf({}, { lockTimeout }).settings(attempt).lockTimeout).toBeGreaterThan(0);
  });
});

describe('the pause before the next try', () => {
  it('is anything up to a limit that doubles, at most 15 s', () => {
    expect([1, 2, 3, 7, 8, 500].map((attempt) => paceOf().pause(attempt, 1))).toEqual([
      200, 400, 800, 12_800, 15_000, 15_000,
    ]);
    expect(paceOf().pause(8, 0)).toBe(0);
    expect(paceOf().pause(8, 0.5)).toBe(7_500);
  });
});

interface Fake {
  readonly tries: Tries;
  readonly events: Event[];
  readonly pauses: number[];
  readonly lost: AbortController;
  readonly interrupted: AbortController;
  now: number;
}

/** A run whose clock moves only by its pauses, and whose chance is always the same. */
function fake(undoes: Tries['undoes'] = 'all', chance = 0.5): Fake {
  const lost = new AbortController();
  const interrupted = new AbortController();
  const it = { events: [] as Event[], pauses: [] as number[], lost, interrupted, now: 0 } as Omit<Fake, 'tries'>;
  const service = { name: 'api', database: 'api_db' };
  const run = {
    project: { policies },
    signal: interrupted.signal,
    ports: {
      clock: {
        now: () => it.now,
        sleep: async (ms: number, signal: AbortSignal) => {
          signal.throwIfAborted();
          it.pauses.push(ms);
          it.now += ms;
        },
      },
      random: { next: () => chance },
      blockers: { of: async () => [], describe: async () => [], holder: async () => undefined },
      emit: (event: Event) => void it.events.push(event),
    },
  } as unknown as Run;
  const target = {
    service,
    location: { sessions: 'many' },
    lost: lost.signal,
    keeper: async () => ({}) as Session,
    resetWorker: () => undefined,
    requireLock: () => {
      if (lost.signal.aborted) throw new Failure('lock-lost', { service: 'api', database: 'api_db' });
    },
  } as unknown as TargetSession;
  const step = { kind: 'apply-revision', revision: sqlRevision('002_x') } as StepOf<'apply-revision'>;
  return Object.assign(it, { tries: { run, target, step, undoes } });
}

const refused = (sqlstate: string, connection = false): DatabaseError =>
  new DatabaseError('no', { sqlstate, connection });

function sqlFailed(sqlstate: string, partial: boolean): Failure {
  return new Failure('sql-failed', { sqlstate, partial, message: 'no', statementsDone: 0 } as never);
}

/** Tries with work that throws these one after another, and then succeeds. */
async function attempt(given: Fake, errors: readonly unknown[]): Promise<{ readonly calls: number; end: unknown }> {
  let calls = 0;
  const end = await tryForLocks(given.tries, async () => {
    const error = errors[calls];
    calls += 1;
    given.now += 100;
    if (error !== undefined) throw error;
    return 'done';
  }).catch((error: unknown) => error);
  return { calls, end };
}

describe('a revision', () => {
  it.each(['55P03', '40P01'])('that met %s is begun anew', async (sqlstate) => {
    const given = fake();
    expect(await attempt(given, [sqlFailed(sqlstate, false), refused(sqlstate)])).toEqual({ calls: 3, end: 'done' });
    expect(given.pauses).toEqual([100, 200]);
    expect(given.events.map(({ type }) => type)).toEqual(['revision-blocked', 'revision-blocked']);
    expect(given.events[0]).toMatchObject({ retry: { sqlstate, tries: 1, pause: 100, left: 9_900 } });
  });

  it.each(['40001', '57014', '23505', '57P01'])('that met %s is not', async (sqlstate) => {
    const given = fake();
    expect(await attempt(given, [refused(sqlstate)])).toMatchObject({ calls: 1, end: { sqlstate } });
    expect(given.events).toEqual([]);
  });

  it('whose end is not known is not', async () => {
    expect(await attempt(fake(), [refused('55P03', true)])).toMatchObject({ calls: 1, end: { sqlstate: '55P03' } });
  });

  it('of which a part stays is not, unless that is known to be all of the statement', async () => {
    expect(await attempt(fake('all'), [sqlFailed('55P03', true)])).toMatchObject({
      calls: 1,
      end: { code: 'sql-failed' },
    });
    expect(await attempt(fake('statement'), [sqlFailed('55P03', true)])).toMatchObject({ calls: 2, end: 'done' });
  });

  it('is given up when no try can begin within the budget', async () => {
    const given = fake('all', 1);
    const { calls, end } = await attempt(given, Array(100).fill(refused('55P03')));
    const pauses = given.pauses.reduce((sum, pause) => sum + pause, 0);
    expect(end).toMatchObject({ code: 'revision-blocked', details: { sqlstate: '55P03', tries: calls } });
    expect(pauses + 100 * (calls - 1)).toBeLessThanOrEqual(policies.lockRetry);
    expect(calls).toBe(6);
  });

  it('is not begun anew once the lock is lost or the run was interrupted', async () => {
    const given = fake();
    const end = tryForLocks(given.tries, async () => {
      given.lost.abort(refused('57P01', true));
      throw refused('55P03');
    });
    await expect(end).rejects.toMatchObject({ code: 'lock-lost' });
    const other = fake();
    const ended = tryForLocks(other.tries, async () => {
      other.interrupted.abort(new Failure('interrupted', { signal: 'SIGINT' }));
      throw refused('40P01');
    });
    await expect(ended).rejects.toMatchObject({ code: 'interrupted' });
  });

  it('waits for the open transaction of another orch as long as for its lock, and no longer', async () => {
    const given = fake();
    expect(await attempt(given, [refused('OR002'), refused('OR002')])).toEqual({ calls: 3, end: 'done' });
    expect(given.events.map(({ type }) => type)).toEqual(['lock-awaited', 'lock-awaited']);
    const { end } = await attempt(fake(), Array(100).fill(refused('OR002')));
    expect(end).toMatchObject({ code: 'lock-held', details: { service: 'api', database: 'api_db' } });
  });
});
