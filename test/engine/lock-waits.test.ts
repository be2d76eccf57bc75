import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/core/failure.ts';
import type { LockHolder } from '../../src/core/observed.ts';
import type { Service } from '../../src/core/project.ts';
import { LockWaits } from '../../src/engine/lock-waits.ts';
import type { TargetSession } from '../../src/engine/target-session.ts';
import { DatabaseError, type Session } from '../../src/ports/database.ts';
import type { Lock } from '../../src/ports/lock.ts';
import type { Run } from '../../src/ports/run.ts';
import { service } from '../core/support.ts';

const holder = { pid: 7, application: 'orch lock x', client: 'c', role: 'r', since: 's' };

/** Locks that others hold until the test takes them away, and the sessions that are open. */
class Fake {
  readonly held = new Map<string, LockHolder>();
  readonly open = new Set<string>();
  /** How often each was asked for. */
  readonly asked = new Map<string, number>();
  most = 0;
  now = 0;
  /** By service: what the seat's session is asked for fails so. */
  broken: Error | undefined;
  readonly waits: LockWaits;

  constructor(lockWait = 1e9) {
    const sleep = async (ms: number, signal: AbortSignal): Promise<void> => {
      signal.throwIfAborted();
      this.now += ms;
      this.most = Math.max(this.most, this.open.size);
      await new Promise(setImmediate);
    };
    const lock = {
      acquire: async (
        _session: Session,
        { name, database }: Service,
        { wait, signal, onWait }: Parameters<Lock['acquire']>[2],
      ): Promise<void> => {
        this.asked.set(name, (this.asked.get(name) ?? 0) + 1);
        const until = this.now + wait;
        for (let found = this.held.get(name); found !== undefined; found = this.held.get(name)) {
          if (this.now >= until) throw new Failure('lock-held', { service: name, database, holder: found, waited: 0 });
          onWait(found, 0);
          await sleep(100, signal);
        }
      },
      findHolder: async (_session: Session, { name }: Service): Promise<LockHolder | undefined> => {
        if (this.broken !== undefined) throw this.broken;
        return this.held.get(name);
      },
    };
    const clock = { now: () => this.now, sleep };
    const ports = { clock, random: { next: () => 0.5 }, lock: () => lock };
    const project = { policies: { lockWait } };
    this.waits = new LockWaits({ ports, project, signal: new AbortController().signal } as unknown as Run);
  }

  target(name: string, location = {}): TargetSession {
    return {
      service: service(name),
      location: { host: 'h', port: 1, ...location },
      keeper: async () => {
        this.open.add(name);
        return {} as Session;
      },
      close: async () => void this.open.delete(name),
    } as unknown as TargetSession;
  }

  /** @returns resolves once the service's lock is taken */
  acquire(name: string, location = {}): Promise<string[]> {
    const told: string[] = [];
    const target = this.target(name, location);
    return this.waits.acquire(target, (found) => told.push(`${name} ${found?.pid}`)).then(() => told);
  }
}

/** What lasts until it is resolved. */
function held(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve: () => resolve() };
}

const turns = async (fake: Fake, until: () => boolean): Promise<void> => {
  while (!until()) {
    if (fake.now > 1e8) throw new Error(`in vain: ${until}`);
    await new Promise(setImmediate);
  }
};

describe('a run that waits for several locks', () => {
  it('keeps one session at a server, and takes each lock once it is free, whichever that is', async () => {
    const fake = new Fake();
    for (const name of ['a', 'b', 'c']) fake.held.set(name, holder);
    const done: string[] = [];
    const ends = ['a', 'b', 'c'].map((name) => fake.acquire(name).then(() => done.push(name)));
    await turns(fake, () => fake.now > 1_000 && fake.open.size === 1);
    fake.most = 0;
    const began = fake.now;
    await turns(fake, () => fake.now > began + 5_000);
    expect(fake.most).toBe(1);
    // Not the one whose session waits.
    fake.held.delete('c');
    await turns(fake, () => done.length > 0);
    expect(done).toEqual(['c']);
    fake.held.clear();
    await Promise.all(ends);
    expect([...fake.open].sort()).toEqual(['a', 'b', 'c']);
  });

  it('tells for each lock who has it', async () => {
    const fake = new Fake();
    fake.held.set('a', holder).set('b', { ...holder, pid: 8 });
    const ends = [fake.acquire('a'), fake.acquire('b')];
    await turns(fake, () => fake.now > 5_000);
    fake.held.clear();
    const [a = [], b = []] = await Promise.all(ends);
    expect(new Set(a)).toEqual(new Set(['a 7']));
    expect(new Set(b)).toEqual(new Set(['b 8']));
  });

  it('has a session at each of several servers', async () => {
    const fake = new Fake();
    fake.held.set('a', holder).set('b', holder);
    const ends = [fake.acquire('a'), fake.acquire('b', { host: 'other' })];
    await turns(fake, () => fake.now > 5_000);
    expect(fake.open.size).toBe(2);
    fake.held.clear();
    await Promise.all(ends);
  });

  it('gives up each of them after the policy`s time', async () => {
    const fake = new Fake(3_000);
    fake.held.set('a', holder).set('b', holder);
    const ends = await Promise.allSettled([fake.acquire('a'), fake.acquire('b')]);
    for (const end of ends) {
      expect(end).toMatchObject({ status: 'rejected', reason: { code: 'lock-held', details: { holder } } });
    }
    expect(fake.now).toBeLessThan(10_000);
  });

  it('goes on with sessions of its own where the one session is lost', async () => {
    const fake = new Fake();
    fake.held.set('a', holder).set('b', holder);
    const ends = [fake.acquire('a'), fake.acquire('b')];
    await turns(fake, () => fake.now > 1_000 && fake.open.size === 1);
    fake.broken = new DatabaseError('gone', { sqlstate: '08006', connection: true });
    fake.held.delete('b');
    await ends[1];
    fake.held.clear();
    await ends[0];
  });

  it('keeps none while the run prepares that server, whichever began first, and one afterwards', async () => {
    const fake = new Fake();
    fake.held.set('a', holder).set('b', holder).set('c', holder);
    const ends = [fake.acquire('a'), fake.acquire('b')];
    await turns(fake, () => fake.now > 1_000 && fake.open.size === 1);
    const prepared = [held(), held()];
    const preparations = prepared.map(({ promise }) => fake.waits.whilePreparing(fake.target('new'), () => promise));
    ends.push(fake.acquire('c'));
    await turns(fake, () => fake.open.size === 0);
    fake.most = 0;
    prepared[0]?.resolve();
    await preparations[0];
    const began = fake.now;
    await turns(fake, () => fake.now > began + 5_000);
    expect(fake.most).toBe(0);
    prepared[1]?.resolve();
    await turns(fake, () => fake.open.size === 1);
    fake.held.clear();
    await Promise.all(ends);
    expect([...fake.open].sort()).toEqual(['a', 'b', 'c']);
  });

  it('keeps its session at one server while the run prepares another', async () => {
    const fake = new Fake();
    fake.held.set('a', holder);
    const end = fake.acquire('a');
    await turns(fake, () => fake.now > 1_000);
    const { promise, resolve } = held();
    const preparation = fake.waits.whilePreparing(fake.target('new', { host: 'other' }), () => promise);
    const began = fake.now;
    await turns(fake, () => fake.now > began + 5_000);
    expect(fake.open.size).toBe(1);
    fake.held.clear();
    await end;
    resolve();
    await preparation;
  });

  it('gives up after the policy`s time while the run prepares the server', async () => {
    const fake = new Fake(3_000);
    fake.held.set('a', holder);
    const { promise, resolve } = held();
    const preparation = fake.waits.whilePreparing(fake.target('new'), () => promise);
    await expect(fake.acquire('a')).rejects.toMatchObject({ code: 'lock-held', details: { holder } });
    resolve();
    await preparation;
  });

  it('asks once behind a pooler, where a session that asks twice would have it twice', async () => {
    const fake = new Fake();
    await fake.acquire('a', { pooler: true });
    expect(fake.asked.get('a')).toBe(1);
  });
});
