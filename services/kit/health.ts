import type { Database } from './database.ts';
import { findSqlState } from './database.ts';

/** What `GET /health` answers. */
export interface Health {
  readonly service: string;
  readonly database: string;
  /** The newest applied revision; null where there is none or it cannot be told. */
  readonly revision: string | null;
  /** The revision that the service's code was written for. */
  readonly needs: string;
  readonly status: 'ready' | 'not ready';
  /** Why it is not ready. */
  readonly reason?: string;
}

/**
 * Asks the database for its revision. A newer one than the service needs is fine: revisions are written so that the
 * service before them still works, else no service could be replaced without a pause.
 * @param needs name of the revision, such as `002_roles`
 * @param onUnreachable told why, which `/health` tells nobody: the text may name hosts and roles
 */
export async function checkHealth(
  service: string,
  database: Database,
  needs: string,
  onUnreachable: (error: unknown) => void,
): Promise<Health> {
  const notReady = (revision: string | null, reason: string): Health => {
    return { service, database: database.name, revision, needs, status: 'not ready', reason };
  };
  let heads: readonly { name: string; id: string }[];
  try {
    heads = await database.query<{ name: string; id: string }>('SELECT name, id FROM orch.heads');
  } catch (error) {
    // With a SQLSTATE of class 42 the server works, but the view is not there (yet), or not ours to read.
    if (findSqlState(error)?.startsWith('42')) return notReady(null, 'no revision is applied');
    onUnreachable(error);
    return notReady(null, 'the database is unreachable');
  }
  const newest = [...heads].sort((a, b) => numberOf(b.id) - numberOf(a.id))[0];
  if (newest === undefined) return notReady(null, 'no revision is applied');
  if (numberOf(newest.id) < numberOf(needs)) return notReady(newest.name, 'the schema is behind');
  return { service, database: database.name, revision: newest.name, needs, status: 'ready' };
}

/** `002_roles` and `002` are 2. */
function numberOf(revision: string): number {
  return Number.parseInt(revision, 10);
}
