import type { Member, SessionQueue } from './session-queue.ts';
import { superuser } from './session-settings.ts';
import { query } from './wire-frames.ts';

/**
 * Has a checkpoint made every so often, if anything ran since the last: single-user PostgreSQL has no checkpointer, so its
 * write-ahead log would grow, and recovery after a kill take longer, until the database is closed.
 * @param interval ms
 * @returns stops it
 */
export function keepHouse(queue: SessionQueue, interval: number): () => void {
  const member: Member = {
    settings: { user: superuser, role: 'none', values: [] },
    send: () => true,
    end: () => undefined,
    statements: () => [],
  };
  queue.join(member, () => undefined);
  const checkpoint = { bytes: query('CHECKPOINT'), ends: 'ready', changesSettings: false, copiesIn: false } as const;
  let seen = 0;
  const timer = setInterval(() => {
    if (queue.unitsRun === seen) return;
    queue.add(member, checkpoint, () => {
      seen = queue.unitsRun;
    });
  }, interval);
  timer.unref();
  return () => clearInterval(timer);
}
