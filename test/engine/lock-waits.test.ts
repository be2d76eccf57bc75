import { describe, expect, it } from 'vitest';
import { Failure } from '../../src/core/failure.ts';
import type { LockHolder } from '../../src/core/observed.ts';
import type { Service } from '../../src/core/project.ts';
import { LockWaits } from '../../src/engine/lock-waits.ts';
import type { TargetSession } from '../../src/engine/target-session.ts';
import { DatabaseError, type Session } from '../../src/ports/database.ts';
import type { Run } from '../../src/ports/run.ts';
import { service } from '../core/support.ts';

const holder = { pid: 7, application: 'orch lock x', client: 'c', role: 'r', since: 's' };

/** Locks that others hold until the test takes them away, and the sessions that are open. */
class Fake {
  readonly held = new Map<string, LockHolder>();
  readonly open = new Set<string>();
  most = 0;
  now = 0;
  /** By service: what the seat's session is asked for fails so. */
  broken: Error | undefined;
  readonly waits: LockWaits;

  constructor(lockWait = 1e9) {
    const sleep = async (ms: number): Promise<void> => {
      this.now += ms;
      this.most = Math.max(this.most, this.open.size);
      await new Promise(setImmediate);
    };
    const lock = {
      acquire: async (
        _session: Session,
        { name, database }: Service,
        { wait, onWait }: { wait: number; onWait: (found: LockHolder | undefined, waited: number) => void },
      ): Promise<void> => {
        const until = this.now + wait;
        for (let found = this.held.get(name); found !== undefined; found = this.held.get(name)) {
          if (this.now >= until) throw new Failure('lock-held', { service: name, database, holder: found, waited: 0 });
          onWait(found, 0);
          await sleep(100);
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

  /** @returns resolves once the service's lock is taken */
  acquire(name: string, location = {}): Promise<string[]> {
    const told: string[] = [];
    const target = {
      service: service(name),
      location: { host: 'h', port: 1, ...location },
      keeper: async () => {
        this.open.add(name);
        return {} as Session;
      },
      close: async () => void this.open.delete(name),
    } as unknown as TargetSession;
    return this.waits.acquire(target, (found) => told.push(`${name} ${found?.pid}`)).then(() => told);
  }
}

const turns = async (fake: Fake, until: () => boolean): Promise<void> => {
  while (!until() && fake.now < 1e8) await new Promise(setImmediate);
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
});
