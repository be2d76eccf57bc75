import { Failure, isFailure } from '../core/failure.ts';
import type { LockHolder } from '../core/observed.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Lock } from '../ports/lock.ts';
import type { Run } from '../ports/run.ts';
import type { TargetSession } from './target-session.ts';

/** Pauses between two looks, and between two tellings of the same holder, in ms. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 500;
const RETELL = 1_000;

type Tell = (holder: LockHolder | undefined, waited: number) => void;

interface Polling {
  /** In ms; 0: one try. */
  readonly wait: number;
  readonly signal: AbortSignal;
  readonly tell: Tell;
}

/** The one session with which a run waits at a server. */
interface Seat {
  readonly session: Promise<Session>;
  /** Aborted: the run needs another connection there. */
  readonly leave: AbortController;
}

/**
 * Takes the locks of a run's databases. While it waits, a run keeps one connection at each server, however many locks it
 * waits for: of 50 replicas with three databases each, 150 connections would leave whoever has a lock none to work with.
 * One of its waits keeps its session; the others ask through that one whether their lock is free, and connect again then.
 * While the run prepares the server, none of them keeps one.
 */
export class LockWaits {
  readonly #run: Run;
  /** By server. */
  readonly #seats = new Map<string, Seat>();
  /** By server: how many roles and databases this run makes or drops there. */
  readonly #preparations = new Map<string, number>();

  constructor(run: Run) {
    this.#run = run;
  }

  /**
   * Makes or drops roles or a database: meanwhile the run's one connection to that server is the one that waits for the
   * server's own lock, and waits for its databases keep none.
   */
  async whilePreparing<Result>(target: TargetSession, prepare: () => Promise<Result>): Promise<Result> {
    const place = placeOf(target);
    this.#preparations.set(place, this.#preparing(place) + 1);
    this.#seats.get(place)?.leave.abort();
    try {
      return await prepare();
    } finally {
      this.#preparations.set(place, this.#preparing(place) - 1);
    }
  }

  #preparing(place: string): number {
    return this.#preparations.get(place) ?? 0;
  }

  /**
   * The target's keeper holds the lock afterwards.
   * @param tell hears of the holder, and of the ms that were waited, now and then
   * @throws Failure `lock-held` once the policy's time is over; DatabaseError
   */
  async acquire(target: TargetSession, tell: Tell): Promise<void> {
    const { clock } = this.#run.ports;
    const { lockWait } = this.#run.project.policies;
    const lock = this.#run.ports.lock(target.location);
    // Behind a pooler, and on PGlite, one database's session knows nothing of another's.
    if (lock.findHolder === undefined || target.location.pooler === true) {
      return await this.#poll(target, lock, { wait: lockWait, tell, signal: this.#run.signal });
    }
    const began = clock.now();
    const waited = (): number => clock.now() - began;
    const tellWhenDue = whenDue(tell);
    const tellNow = (holder: LockHolder | undefined): void => tellWhenDue(holder, waited());
    const place = placeOf(target);
    for (;;) {
      const held = await this.#lockWithin(target, lock, { wait: 0, tell: () => undefined, signal: this.#run.signal });
      if (held === undefined) return;
      if (waited() >= lockWait) throw new Failure('lock-held', { ...held.details, waited: waited() }, { cause: held });
      tellNow(held.details.holder);
      const seat = this.#seats.get(place);
      if (this.#preparing(place) > 0) {
        await target.close();
        const isOver = (): boolean => this.#preparing(place) === 0 || waited() >= lockWait;
        await this.#waitUntil(isOver, () => tellNow(held.details.holder));
      } else if (seat === undefined) {
        if (await this.#lockSeated(target, lock, lockWait - waited(), tellNow)) return;
      } else {
        await target.close();
        const isOver = (): boolean => this.#seats.get(place) !== seat || waited() >= lockWait;
        await this.#waitFor({ lock, seat, target, isOver, held: held.details.holder, tell: tellNow });
      }
    }
  }

  async #poll(target: TargetSession, lock: Lock, { wait, tell, signal }: Polling): Promise<void> {
    await lock.acquire(await target.keeper(), target.service, { wait, signal, onWait: tell });
  }

  /** @returns the refusal where the lock was not free in time */
  async #lockWithin(target: TargetSession, lock: Lock, polling: Polling): Promise<Failure<'lock-held'> | undefined> {
    try {
      await this.#poll(target, lock, polling);
      return undefined;
    } catch (error) {
      if (isFailure(error, 'lock-held')) return error;
      throw error;
    }
  }

  /** @returns false: the lock was not free in time, or the seat was to be left */
  async #lockSeated(target: TargetSession, lock: Lock, wait: number, tell: Tell): Promise<boolean> {
    const leave = new AbortController();
    const signal = AbortSignal.any([this.#run.signal, leave.signal]);
    // At once: two waits of a run must not both find no seat taken.
    const session = target.keeper();
    this.#seats.set(placeOf(target), { session, leave });
    try {
      await session;
      return (await this.#lockWithin(target, lock, { wait, tell, signal })) === undefined;
    } catch (error) {
      if (error !== leave.signal.reason) throw error;
      return false;
    } finally {
      this.#seats.delete(placeOf(target));
    }
  }

  /** Until the lock is free, or there is nobody through whom to ask, or it is over. */
  async #waitFor(wait: {
    readonly lock: Lock;
    readonly seat: Seat;
    readonly target: TargetSession;
    readonly held: LockHolder | undefined;
    readonly isOver: () => boolean;
    readonly tell: (holder: LockHolder | undefined) => void;
  }): Promise<void> {
    let { held } = wait;
    let isFree = false;
    const isOver = (): boolean => isFree || wait.isOver();
    await this.#waitUntil(isOver, async () => {
      const found = await ask(wait.lock, wait.seat, wait.target);
      isFree = found === undefined;
      // Another database's owner is not shown where the holder comes from: what was seen with its own session stays.
      if (found?.pid !== held?.pid) held = found;
      if (!isFree) wait.tell(held);
    });
  }

  /** Looks again and again, with growing pauses, until it is over. */
  async #waitUntil(isOver: () => boolean, look: () => Promise<void> | void): Promise<void> {
    const { clock, random } = this.#run.ports;
    for (let pause = FIRST_PAUSE; !isOver(); pause = Math.min(pause * 1.5, LONGEST_PAUSE)) {
      await clock.sleep(pause * (0.5 + random.next()), this.#run.signal);
      if (!isOver()) await look();
    }
  }
}

function placeOf({ location: { host, port } }: TargetSession): string {
  return `${host}:${port}`;
}

/** Tells a holder at once, and again after a while. */
function whenDue(tell: Tell): Tell {
  let told = { pid: -1, at: 0 };
  return (holder, waited) => {
    const pid = holder?.pid ?? 0;
    if (pid === told.pid && waited - told.at < RETELL) return;
    told = { pid, at: waited };
    tell(holder, waited);
  };
}

/** @returns undefined: it is free, or cannot be asked for any more */
async function ask(lock: Lock, { session }: Seat, { service }: TargetSession): Promise<LockHolder | undefined> {
  try {
    return await lock.findHolder?.(await session, service);
  } catch (error) {
    // The seat's own wait hears of it too; this one goes on with a session of its own.
    if (error instanceof DatabaseError) return undefined;
    throw error;
  }
}
