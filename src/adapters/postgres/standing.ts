import { Failure } from '../../core/failure.ts';
import type { ObservedDatabase } from '../../core/observed.ts';
import type { Server } from '../../core/project.ts';
import type { Session } from '../../ports/database.ts';

/** Columns of `Standing`: what a session is worth, asked with whatever else is asked. */
export const STANDING = `pg_catalog.pg_backend_pid() AS backend, pg_catalog.pg_is_in_recovery() AS standby,
  pg_catalog.current_setting('transaction_read_only') AS read_only,
  pg_catalog.current_setting('session_replication_role') AS replication_role`;

export interface Standing {
  readonly backend: number;
  readonly standby: boolean;
  readonly read_only: string;
  readonly replication_role: string;
}

/**
 * A pooler hands out keys of its own at log-in, so that who answers is not whom the key names (V16).
 * @throws Failure `pooler-refused`
 */
export function requireOwnBackend(
  session: Session,
  { server, database }: { readonly server: Pick<Server, 'host' | 'port'>; readonly database: string },
  { backend }: Standing,
): void {
  if (session.shared === true || session.pid === 0 || backend === session.pid) return;
  throw new Failure('pooler-refused', {
    host: server.host,
    port: server.port,
    database,
    sign: 'other-backend',
    reason: `log-in named the backend ${session.pid}, and ${backend} answers`,
  });
}

/** @returns nothing where all is as it must be */
export function standingOf(seen: Standing): Pick<ObservedDatabase, 'takesNoChanges' | 'replicationRole'> {
  const takesNoChanges = seen.standby ? 'standby' : seen.read_only === 'on' ? 'read-only' : undefined;
  const replicationRole = seen.replication_role === 'origin' ? undefined : seen.replication_role;
  return {
    ...(takesNoChanges === undefined ? {} : { takesNoChanges }),
    ...(replicationRole === undefined ? {} : { replicationRole }),
  };
}
