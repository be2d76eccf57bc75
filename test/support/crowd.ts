import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { AWAITS_LOCK } from '../../src/adapters/postgres/polled-lock.ts';
import type { PostgresAddress } from './postgres.ts';

/** What the server knows of one process of orch. */
export interface Connections {
  /** The run's id, which each of its sessions has in its name. */
  readonly run: string;
  readonly total: number;
  /** The databases that it has sessions in, one entry a session, in order. */
  readonly databases: readonly string[];
  /** It polls for a lock of orch's, and has none. */
  readonly waits: boolean;
}

/** All sessions of a run are called `orch <purpose> <run>`. */
const CONNECTIONS = `
  WITH holders AS MATERIALIZED (SELECT DISTINCT l.pid FROM pg_locks AS l WHERE l.locktype = 'advisory' AND l.granted)
  SELECT substring(a.application_name FROM '[^ ]+$') AS run, count(*)::int AS total,
    array_agg(a.datname::text ORDER BY a.datname) AS databases,
    bool_or(a.query LIKE '%${AWAITS_LOCK}%') AND count(h.pid) = 0 AS waits
  FROM pg_stat_activity AS a LEFT JOIN holders AS h ON h.pid = a.pid
  WHERE a.application_name ~ '^orch [a-z]+ ' GROUP BY 1 ORDER BY 1`;

/** Looks at all sessions of orch on a server, in whatever database, from one session of its own. */
export class ConnectionWatch {
  readonly #client: pg.Client;
  #stopped = false;
  #watching: Promise<void> | undefined;
  /**
   * The most that one process had while it waited for locks, in any look; that it kept for a whole second of waiting;
   * in one database; and all processes together.
   */
  readonly worst = { waiting: 0, kept: 0, perDatabase: 0, server: 0 };
  /** By run: its totals in the looks of this wait. */
  readonly #waits = new Map<string, { at: number; total: number }[]>();
  /** Processes that were seen waiting. */
  readonly waited = new Set<string>();

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open({
    host,
    port,
    adminRole: user,
    adminPassword: password,
  }: PostgresAddress): Promise<ConnectionWatch> {
    const client = new pg.Client({ host, port, user, password, database: 'postgres' });
    client.on('error', () => undefined);
    await client.connect();
    return new ConnectionWatch(client);
  }

  async look(): Promise<readonly Connections[]> {
    const { rows } = await this.#client.query<Connections>(CONNECTIONS);
    this.worst.server = Math.max(
      this.worst.server,
      rows.reduce((sum, { total }) => sum + total, 0),
    );
    const now = performance.now();
    const waiting = new Set(rows.filter(({ waits }) => waits).map(({ run }) => run));
    for (const run of this.#waits.keys()) if (!waiting.has(run)) this.#waits.delete(run);
    for (const { run, total, databases } of rows.filter(({ waits }) => waits)) {
      this.waited.add(run);
      const most = Math.max(...databases.map((name) => databases.filter((other) => other === name).length));
      this.#see(run, { at: now, total });
      this.worst.waiting = Math.max(this.worst.waiting, total);
      this.worst.perDatabase = Math.max(this.worst.perDatabase, most);
    }
    return rows;
  }

  #see(run: string, look: { at: number; total: number }): void {
    const looks = [...(this.#waits.get(run) ?? []), look];
    // What is older than a second counts no more, but for the last of it: the wait was as long.
    while ((looks[1]?.at ?? look.at) <= look.at - 1_000) looks.shift();
    this.#waits.set(run, looks);
    if ((looks[0]?.at ?? look.at) > look.at - 1_000) return;
    this.worst.kept = Math.max(this.worst.kept, Math.min(...looks.map(({ total }) => total)));
  }

  /** Looks again and again, until it is closed. */
  start(): this {
    this.#watching = this.#watch();
    // `close` tells: whoever watches has something to put away before.
    this.#watching.catch(() => undefined);
    return this;
  }

  async #watch(): Promise<void> {
    while (!this.#stopped) {
      await this.look();
      await setTimeout(20);
    }
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#watching;
    await this.#client.end();
  }
}
