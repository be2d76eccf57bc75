import { Failure } from '../core/failure.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { TargetSession } from './target-session.ts';

/** An interrupt, or the loss of the lock's session, cancels the statement that runs. @returns what ends the watch */
export function cancelOnInterrupt(run: Run, target: TargetSession): () => void {
  const cancel = (): void => {
    // A cancel that cannot be sent leaves the statement to end by itself; its result is judged all the same.
    target.cancelWorker().catch(() => undefined);
  };
  const signals = [run.signal, target.lost];
  for (const signal of signals) signal.addEventListener('abort', cancel, { once: true });
  return () => {
    for (const signal of signals) signal.removeEventListener('abort', cancel);
  };
}

/** Before the commit: a run that was interrupted, or that lost its lock, must not commit. */
export function throwIfStopped(run: Run, target: TargetSession): void {
  run.signal.throwIfAborted();
  target.requireLock();
}

/** Work in the session with the lock: where that session is gone, so is the lock. @throws Failure `lock-lost` */
export async function inLockSession<T>(target: TargetSession, work: (keeper: Session) => Promise<T>): Promise<T> {
  try {
    return await work(await target.keeper());
  } catch (error) {
    if (!(error instanceof DatabaseError && error.connection)) throw error;
    throw lockLost(target, error);
  }
}

function lockLost({ service }: TargetSession, cause: DatabaseError): Failure {
  return new Failure(
    'lock-lost',
    { service: service.name, database: service.database, reason: cause.message },
    { cause },
  );
}
