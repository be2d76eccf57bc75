import pg from 'pg';
import type { DatabaseSettings } from './settings.ts';

type Row = Record<string, unknown>;

/** What the services ask of their database: one statement at a time, with no state kept in the session. */
export interface Database {
  readonly name: string;
  query<R extends Row>(sql: string, parameters?: readonly unknown[]): Promise<readonly R[]>;
  close(): Promise<void>;
}

/**
 * Opens a small pool. Connections are made when they are needed, so the service starts without its database
 * and says so in `/health`.
 *
 * Every statement stands on its own (unnamed, no transaction over several, no SET): the database may be a PGlite,
 * where all connections share one session.
 * @param onError told of connections lost while idle; unheard, they would end the process
 */
export function openDatabase(settings: DatabaseSettings, onError: (error: Error) => void): Database {
  const pool = new pg.Pool({
    connectionString: settings.connectionString,
    max: settings.poolSize,
    connectionTimeoutMillis: 3_000,
    // Below the 5 s that the image's health check waits: a server that hangs must be told, not waited for.
    query_timeout: 4_000,
  });
  pool.on('error', onError);
  return {
    name: settings.name,
    query: async <R extends Row>(sql: string, parameters: readonly unknown[] = []) =>
      (await pool.query<R>(sql, [...parameters])).rows,
    close: () => pool.end(),
  };
}

/** The five-character SQLSTATE of what PostgreSQL refused; undefined where it did not answer at all. */
export function findSqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** True where no answer was to be had: refused, unknown host, timed out, or the connection went away. */
export function isUnreachable(error: unknown): boolean {
  const state = findSqlState(error);
  // 08: connection; 57P0x: shut down, starting up; 53300: too many connections; 28: login refused; 3D: no such database.
  if (state !== undefined) return /^(08|57P0|53300|28|3D)/.test(state);
  if (!(error instanceof Error)) return false;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return (
    /^E(CONN|PIPE|TIMEDOUT|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)/.test(code) ||
    /timeout|Connection terminated|connection error/i.test(error.message)
  );
}
