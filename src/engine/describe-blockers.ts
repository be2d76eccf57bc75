import type { Blocker } from '../core/observed.ts';
import { DatabaseError } from '../ports/database.ts';
import type { Run } from '../ports/run.ts';
import type { TargetSession } from './target-session.ts';

/**
 * What the owner's role may not see of other roles' sessions (what they run, since when), the admin role often may (V27).
 * Where there is none, or it cannot be asked, they stay named by what is known.
 */
export async function describeBlockers(
  run: Run,
  target: TargetSession,
  blockers: readonly Blocker[],
): Promise<readonly Blocker[]> {
  const { service } = target;
  const isHidden = blockers.some(({ pid, state }) => pid !== 0 && state === undefined);
  const location = isHidden ? run.ports.targets.admin(service, service.database) : undefined;
  if (location === undefined) return blockers;
  try {
    const session = await run.ports.database.connect(location, 'blockers', run.signal);
    try {
      return await run.ports.blockers.describe(session, blockers);
    } finally {
      await session.close();
    }
  } catch (error) {
    if (error instanceof DatabaseError) return blockers;
    throw error;
  }
}
