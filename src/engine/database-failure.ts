import { Failure } from '../core/failure.ts';
import { DatabaseError } from '../ports/database.ts';
import type { TargetSession } from './target-session.ts';

/** A database's error outside a revision's own text, as a failure; failures stay as they are; anything else is a bug and stays one. */
export function asFailure(error: unknown, target: TargetSession, during: string): unknown {
  if (!(error instanceof DatabaseError)) return error;
  const { service, location } = target;
  const place = { service: service.name, database: service.database };
  if (error.connection) {
    return new Failure('connection-lost', { ...place, during, reason: error.message }, { cause: error });
  }
  // Said by a statement of orch's own, which asks for no read-only transaction.
  if (error.sqlstate === '25006') {
    const at = { host: location.host, port: location.port };
    return new Failure('server-not-writable', { ...place, ...at, why: 'read-only', during }, { cause: error });
  }
  if (error.sqlstate === '42501') {
    const wanted = during;
    return new Failure(
      'prerequisite-unmet',
      { ...place, what: 'privilege', name: location.role, wanted, found: error.message },
      { cause: error },
    );
  }
  return new Failure(
    'step-refused',
    { ...place, during, sqlstate: error.sqlstate, message: error.message, serverHint: error.serverHint },
    { cause: error },
  );
}
