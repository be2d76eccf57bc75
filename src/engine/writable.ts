import { Failure } from '../core/failure.ts';
import type { ObservedDatabase } from '../core/observed.ts';
import type { DatabaseError, Session } from '../ports/database.ts';
import type { TargetSession } from './target-session.ts';

/**
 * Before anything is changed in the database.
 * @throws Failure `server-not-writable`; `prerequisite-unmet` where a setting of the role would make it change it wrongly
 */
export function requireWritable(target: TargetSession, observed: ObservedDatabase): void {
  const { takesNoChanges, replicationRole } = observed;
  if (takesNoChanges !== undefined) throw notWritable(target, takesNoChanges, 'taking the lock');
  if (replicationRole === undefined) return;
  const { name, database } = target.service;
  throw new Failure('prerequisite-unmet', {
    service: name,
    database,
    what: 'setting',
    name: 'session_replication_role',
    wanted: 'origin',
    found: replicationRole,
  });
}

/** SQLSTATE read_only_sql_transaction. */
const READ_ONLY = '25006';

/**
 * What a refused write means: after a failover the address may lead to a standby, and a server that runs out of space may
 * be made read-only. A revision that makes its own transaction read-only is no such case.
 * @param session has no transaction open
 * @returns undefined: the server takes changes
 */
export async function findNotWritable(
  target: TargetSession,
  session: Session,
  error: DatabaseError | undefined,
  during: string,
): Promise<Failure<'server-not-writable'> | undefined> {
  if (error?.sqlstate !== READ_ONLY) return undefined;
  const {
    rows: [row],
  } = await session.query<{ readonly standby: boolean; readonly readonly: string }>(
    `SELECT pg_catalog.pg_is_in_recovery() AS standby,
       pg_catalog.current_setting('default_transaction_read_only') AS readonly`,
  );
  if (row?.standby === true) return notWritable(target, 'standby', during);
  return row?.readonly === 'on' ? notWritable(target, 'read-only', during) : undefined;
}

function notWritable(
  { service, location }: TargetSession,
  why: 'standby' | 'read-only',
  during: string,
): Failure<'server-not-writable'> {
  const { host, port } = location;
  return new Failure('server-not-writable', {
    service: service.name,
    database: service.database,
    host,
    port,
    why,
    during,
  });
}
