import { setTimeout } from 'node:timers/promises';
import pg from 'pg';
import { canary } from './canary.ts';
import { APP_PASSWORD, type ProjectFolder } from './project-folder.ts';

/** What the application works with while the revisions alter it. */
export const tables = ['account', 'item'] as const;
type Table = (typeof tables)[number];

/** Revision 0: the tables, with rows in them. */
const begin = `${tables
  .map(
    (table) => `CREATE TABLE ${table} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, n int NOT NULL, name text);`,
  )
  .join('\n')}
${tables.map((table) => `INSERT INTO ${table} (n, name) SELECT g, 'row ' || g FROM generate_series(1, 2000) AS g;`).join('\n')}
CREATE TABLE canary (name text);`;

/** Each kind of change, and what takes it back, by number. */
const changes: readonly ((table: Table, number: number) => string)[] = [
  (table, number) => `ALTER TABLE ${table} ADD COLUMN c${number} int DEFAULT 0;`,
  (table, number) => `ALTER TABLE ${table} ADD CONSTRAINT k${number - 1} CHECK (n >= 0) NOT VALID;`,
  (table, number) => `ALTER TABLE ${table} VALIDATE CONSTRAINT k${number - 2};`,
  (table, number) => `CREATE INDEX x${number - 3} ON ${table} (name);`,
  (table, number) => `ALTER TABLE ${table} ALTER COLUMN c${number - 4} SET DEFAULT 1;`,
  (_, number) => `DROP INDEX x${number - 5};`,
  (table, number) => `ALTER TABLE ${table} DROP CONSTRAINT k${number - 6};`,
  (table, number) => `ALTER TABLE ${table} DROP COLUMN c${number - 7}, ALTER COLUMN name SET STATISTICS 200;`,
];

/** So many revisions that alter the tables in turns, behind the one that makes them; file name → text. */
export function soakRevisions(count: number): readonly { readonly name: string; readonly text: string }[] {
  const altering = Array.from({ length: count }, (_, index) => {
    const name = `${String(index + 1).padStart(3, '0')}_change`;
    const table = tables[Math.floor(index / changes.length) % tables.length] ?? 'account';
    const change = changes[index % changes.length]?.(table, index) ?? '';
    return { name, text: canary(name, change) };
  });
  return [{ name: '000_tables', text: canary('000_tables', begin) }, ...altering];
}

/** One session to the service's database, as its application role. */
async function connect(project: ProjectFolder, name: string): Promise<pg.Client> {
  const { host, port } = project.postgres;
  const access = { user: project.app('api'), password: APP_PASSWORD, database: project.database('api') };
  const client = new pg.Client({ host, port, ...access, application_name: name });
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** An application that reads and writes the tables, in a session each, one statement after another. */
export class Application {
  readonly #clients: readonly pg.Client[];
  readonly #ends: readonly Promise<void>[];
  #stopping: Promise<void> | undefined;
  /** Of each statement, in ms. */
  readonly durations: number[] = [];
  readonly errors: unknown[] = [];

  private constructor(clients: readonly pg.Client[]) {
    this.#clients = clients;
    this.#ends = clients.map((client, index) => this.#work(client, index));
  }

  static async start(project: ProjectFolder, sessions: number): Promise<Application> {
    return new Application(await Promise.all(Array.from({ length: sessions }, () => connect(project, 'application'))));
  }

  async #work(client: pg.Client, index: number): Promise<void> {
    for (let turn = index; this.#stopping === undefined; turn += 1) {
      const table = tables[turn % tables.length] ?? 'account';
      const row = 1 + Math.floor(Math.random() * 2_000);
      const statements = [
        `SELECT name FROM ${table} WHERE id = ${row}`,
        `UPDATE ${table} SET n = n + 1 WHERE id = ${row}`,
        `SELECT count(*) FROM ${table} WHERE n BETWEEN ${row} AND ${row + 10}`,
        `INSERT INTO ${table} (n, name) VALUES (${row}, 'new')`,
      ];
      const began = performance.now();
      try {
        await client.query(statements[Math.floor(turn / tables.length) % statements.length] ?? '');
        this.durations.push(performance.now() - began);
      } catch (error) {
        this.errors.push(error);
      }
      await setTimeout(5);
    }
  }

  /** After its last statements; may be called again. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#end();
    await this.#stopping;
  }

  async #end(): Promise<void> {
    await Promise.all(this.#ends);
    await Promise.all(this.#clients.map((client) => client.end()));
  }
}

/** A transaction that has read a table, and keeps it locked against ALTER TABLE until it is over. */
export class Reader {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(project: ProjectFolder): Promise<Reader> {
    return new Reader(await connect(project, 'long reader'));
  }

  /** It may have to wait itself, behind an ALTER TABLE that waits. */
  async read(table: Table): Promise<void> {
    await this.#client.query(`BEGIN; SELECT count(*) FROM ${table}`);
  }

  async finish(): Promise<void> {
    await this.#client.query('COMMIT');
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** What orch said of its tries, in its JSON lines. */
export function retriesOf(stdout: string): readonly { readonly sqlstate: string; readonly tries: number }[] {
  return stdout.split('\n').flatMap((line) => {
    if (!line.includes('"type":"revision-blocked"')) return [];
    const { retry } = JSON.parse(line) as { readonly retry?: { readonly sqlstate: string; readonly tries: number } };
    return retry === undefined ? [] : [retry];
  });
}
