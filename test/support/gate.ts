import pg from 'pg';
import { onTestFinished } from 'vitest';
import { until } from './local-service.ts';
import type { ProjectFolder } from './project-folder.ts';

/** A place in a revision where it waits until the test lets it go on. */
export interface Gate {
  /** What a revision has to run to wait there. */
  readonly sql: string;
  /** Resolves with the process id of the backend that waits at the gate. */
  waiter(): Promise<number>;
  /** Lets through who waits and who comes. */
  open(): Promise<void>;
}

const key = 7001;

/** Closes a gate in a service's database by holding a lock of the test's own. */
export async function holdGate(project: ProjectFolder, service: string): Promise<Gate> {
  const { host, port, adminRole: user, adminPassword: password } = project.postgres;
  const client = new pg.Client({ host, port, user, password, database: project.database(service) });
  // A reset drops the database with the gate in it.
  client.on('error', () => undefined);
  await client.connect();
  await client.query(`SELECT pg_advisory_lock(${key})`);
  let opened: Promise<void> | undefined;
  const open = (): Promise<void> => (opened ??= client.end());
  onTestFinished(open);
  let found: number | undefined;
  const look = async (): Promise<boolean> => {
    const rows = await project.sql<{ pid: number }>(
      service,
      `SELECT l.pid FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
       WHERE l.locktype = 'advisory' AND l.objid = ${key} AND NOT l.granted AND d.datname = current_database()`,
    );
    found = rows[0]?.pid;
    return found !== undefined;
  };
  return {
    sql: `SELECT pg_catalog.pg_advisory_xact_lock(${key});`,
    async waiter() {
      await until('a backend waits at the gate', look);
      return found ?? 0;
    },
    open,
  };
}
