import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { expect } from 'vitest';
import { freePort } from '../../support/local-service.ts';
import { type Ended, orch, type RunningOrch, startOrch } from '../../support/orch.ts';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';

/** A guide's project in a folder of its own, on a real PostgreSQL; its revisions arrive when the guide writes them. */
export interface GuideProject {
  readonly folder: string;
  readonly postgres: TestPostgres;
  readonly port: number;
  readonly environment: Record<string, string | undefined>;
  /** Copies the files of revisions into the project, named by the beginnings of the file names. */
  arrive(...revisions: readonly string[]): Promise<void>;
  write(file: string, text: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** Names of the files in the revision folder, sorted. */
  revisions(): Promise<readonly string[]>;
  /** Runs orch to its end, whatever that is. */
  run(...args: readonly string[]): Promise<Ended>;
  /** Runs orch and expects 0: what it answered on stdout. */
  done(...args: readonly string[]): Promise<string>;
  /** Runs orch and expects another end: all that it said. */
  refused(code: number, ...args: readonly string[]): Promise<string>;
  start(...args: readonly string[]): RunningOrch;
  /** One statement as superuser, as psql of the guides. */
  sql<Row = Record<string, unknown>>(text: string, database?: string): Promise<readonly Row[]>;
  /** Status of the service's own `GET /health`; 0: nobody listens. */
  health(): Promise<number>;
  end(): Promise<void>;
}

const here = dirname(fileURLToPath(import.meta.url));

/** What the guides' services are, as far as orch sees them: something that answers `GET /health` and writes a log. */
const application = `import { createServer } from 'node:http';
console.log('application startup complete');
const answer = (request, response) => response.writeHead(request.url === '/health' ? 200 : 404).end('ok');
createServer(answer).listen(Number(process.env.PORT), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));
`;

/** Copies a guide's config files, without any revision. */
export async function openGuide(guide: string, database: string): Promise<GuideProject> {
  const postgres = await startPostgres();
  const folder = await mkdtemp(join(tmpdir(), `orch-${guide}-`));
  const revisions = join(folder, 'revisions');
  await mkdir(revisions);
  for (const file of ['orchestrator.config.yaml', 'service.yaml'])
    await cp(join(here, guide, file), join(folder, file));
  await writeFile(join(folder, 'main.mjs'), application);
  const port = await freePort();
  const environment: Record<string, string | undefined> = {
    POSTGRES_HOST: postgres.host,
    POSTGRES_PORT: String(postgres.port),
    POSTGRES_PASSWORD: postgres.adminPassword,
    PORT: String(port),
    ORCH_RUNTIME: 'local',
  };
  const running: RunningOrch[] = [];
  const run = (...args: readonly string[]): Promise<Ended> => orch(args, { cwd: folder, env: environment });
  const refused = async (code: number, ...args: readonly string[]): Promise<string> => {
    const ended = await run(...args);
    expect(ended.code, `orch ${args.join(' ')}\n${ended.output}`).toBe(code);
    return code === 0 ? ended.stdout : ended.output;
  };
  return {
    folder,
    postgres,
    port,
    environment,
    async arrive(...names) {
      const files = await readdir(join(here, guide, 'revisions'));
      const wanted = files.filter((file) => names.some((name) => file.startsWith(name)));
      expect(wanted.length).toBeGreaterThanOrEqual(names.length);
      for (const file of wanted) await cp(join(here, guide, 'revisions', file), join(revisions, file));
    },
    write: (file, text) => writeFile(join(folder, file), text),
    remove: (file) => rm(join(folder, file)),
    revisions: async () => (await readdir(revisions)).sort(),
    run,
    done: (...args) => refused(0, ...args),
    refused,
    start(...args) {
      const started = startOrch(args, { cwd: folder, env: environment });
      running.push(started);
      return started;
    },
    sql: (text, other) => query(postgres, other ?? database, text),
    health: () =>
      fetch(`http://127.0.0.1:${port}/health`).then(
        ({ status }) => status,
        () => 0,
      ),
    async end() {
      for (const { child } of running) if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await Promise.all(running.map(({ ended }) => ended));
      await query(postgres, 'postgres', `DROP DATABASE IF EXISTS "${database}" WITH (FORCE)`);
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

async function query<Row>(postgres: TestPostgres, database: string, text: string): Promise<readonly Row[]> {
  const { host, port, adminRole: user, adminPassword: password } = postgres;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    return (await client.query(text)).rows as readonly Row[];
  } finally {
    await client.end();
  }
}

/** Names of the revisions that the ledger has as applied, in their order. */
export async function applied(guide: Pick<GuideProject, 'sql'>): Promise<readonly string[]> {
  const rows = await guide.sql<{ name: string }>(
    "SELECT name FROM orch.ledger WHERE kind = 'revision' AND state = 'applied' ORDER BY name",
  );
  return rows.map(({ name }) => name);
}

/** `table.column` of every column in the schema public, sorted. */
export async function columns(guide: Pick<GuideProject, 'sql'>, table = '%'): Promise<readonly string[]> {
  const rows = await guide.sql<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND table_name LIKE '${table}' ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}

/** Names of the tables in the schema public, sorted. */
export async function tables(guide: Pick<GuideProject, 'sql'>): Promise<readonly string[]> {
  const rows = await guide.sql<{ name: string }>(
    "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' ORDER BY 1",
  );
  return rows.map(({ name }) => name);
}

/** Names of constraints (without those for NOT NULL) and indexes of a table, sorted. */
export async function names(guide: Pick<GuideProject, 'sql'>, table: string): Promise<readonly string[]> {
  const rows = await guide.sql<{ name: string }>(
    `SELECT conname AS name FROM pg_constraint WHERE conrelid = '${table}'::regclass AND contype <> 'n'
     UNION SELECT relname FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indrelid = '${table}'::regclass
     ORDER BY 1`,
  );
  return rows.map(({ name }) => name);
}
