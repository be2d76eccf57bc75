import { existsSync } from 'node:fs';
import { cp, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';
import type { DatabaseSpec, WorkerNews, WorkerTask } from './database-spec.ts';
import { loadExtensions } from './extensions.ts';
import type { SharedSession } from './session-queue.ts';
import { type SessionServer, serveSession } from './session-server.ts';
import { identifier, superuser } from './session-settings.ts';
import { backendFrames, errorFields, query, startupPacket } from './wire-frames.ts';

/*
 * Entry point of the thread that runs one PGlite: WebAssembly runs a statement to its end, so it must not share a thread
 * with orch; and a thread dies with its process, however that ends.
 */

/**
 * PGlite's own start parameters without `-O` (changes to system tables) and `search_path=public`, both unlike a server's
 * defaults. `-F` (no fsync) stays: the data outlives a killed process, though not a power cut.
 */
const startParams = [
  ['--single', '-F', '-j'],
  ['-c', 'exit_on_error=false', '-c', 'log_checkpoints=false', '-c', 'io_method=sync', '-c', 'max_worker_processes=0'],
  // A checkpoint is asked for now and then (`housekeeping.ts`); 32 MB instead of 128 saves 100 MB of memory a database.
  ['-c', 'shared_buffers=32MB'],
  [
    '-c',
    'max_parallel_workers=0',
    '-c',
    'max_parallel_workers_per_gather=0',
    '-c',
    'max_parallel_maintenance_workers=0',
  ],
].flat();

const output: string[] = [];

/** Kept for when the start fails; false: not printed. */
function keepOutput(text: string): boolean {
  output.push(text);
  if (output.length > 20) output.shift();
  return false;
}

async function open(folder: string, database: string, names: readonly string[] = []): Promise<PGlite> {
  return await PGlite.create({
    dataDir: folder,
    database,
    extensions: await loadExtensions(names),
    startParams,
    // 1 MB of write-ahead log a file instead of 16: a fresh database is 30 MB on disk, quick to copy.
    initDbStartParams: ['--wal-segsize=1'],
    onStdout: keepOutput,
    onStderr: keepOutput,
  });
}

async function makeTemplate(folder: string): Promise<void> {
  const unfinished = `${folder}.new`;
  await rm(unfinished, { recursive: true, force: true });
  const cluster = await open(unfinished, 'template1');
  await cluster.close();
  await rename(unfinished, folder);
}

/** Makes the data folder, which appears under its name only once it is whole: orch may be killed at any time. */
async function makeDatabase(spec: DatabaseSpec): Promise<void> {
  const unfinished = join(dirname(spec.folder), `.new-${spec.database}`);
  await rm(unfinished, { recursive: true, force: true });
  await cp(spec.template, unfinished, { recursive: true });
  // Single-user mode stays in the database it was started in, and that one cannot be renamed.
  const cluster = await open(unfinished, 'template1');
  await cluster.exec(`ALTER DATABASE postgres RENAME TO ${identifier(spec.database)}`);
  await cluster.close();
  await rename(unfinished, spec.folder);
}

/** The PGlite behind a plain interface; only its raw calls are used, which must not be mixed with its others. */
class PgliteSession implements SharedSession {
  readonly #pglite: PGlite;

  constructor(pglite: PGlite) {
    this.#pglite = pglite;
  }

  run(bytes: Buffer): Buffer {
    const chunks: Buffer[] = [];
    // Not awaited: the work is done when the call returns, and there is no file system to synchronise. A copy of each
    // chunk is kept, since it is a view of WebAssembly memory.
    void this.#pglite.execProtocolRawStream(bytes, {
      syncToFs: false,
      onRawData: (data) => void chunks.push(Buffer.from(data)),
    });
    return Buffer.concat(chunks);
  }

  inTransaction(): boolean {
    return this.#pglite.isInTransaction();
  }

  greeting(): Buffer {
    const frames = [...backendFrames(this.run(startupPacket({ user: superuser })))];
    return Buffer.concat(frames.filter(({ type }) => type !== 'K' && type !== 'Z').map(({ bytes }) => bytes));
  }

  /** Runs SQL of our own. */
  execute(sql: string): void {
    for (const frame of backendFrames(this.run(query(sql)))) {
      if (frame.type === 'E') throw new Error(errorFields(frame.bytes).get('M') ?? 'unknown error');
    }
  }
}

function createRole(role: string, attributes: string): string {
  const name = `'${role.replaceAll("'", "''")}'`;
  return `IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = ${name}) THEN CREATE ROLE ${identifier(role)} ${attributes}; END IF;`;
}

/** The roles that on a server are there before orch comes: its admins, and an owner for the database. */
function prepareRoles(session: PgliteSession, spec: DatabaseSpec): void {
  const admins = spec.admins.map((role) => createRole(role, 'SUPERUSER LOGIN'));
  const roles = [...admins, ...[spec.owner, ...spec.roles].map((role) => createRole(role, 'LOGIN'))].join(' ');
  session.execute(`DO $orch$ BEGIN ${roles} END $orch$`);
  const database = `'${spec.database.replaceAll("'", "''")}'`;
  session.execute(`DO $orch$ BEGIN
    IF (SELECT datdba FROM pg_database WHERE datname = ${database}) = 10 THEN
      ALTER DATABASE ${identifier(spec.database)} OWNER TO ${identifier(spec.owner)};
    END IF;
  END $orch$`);
}

async function serve(spec: DatabaseSpec, port: MessagePort): Promise<void> {
  if (!existsSync(spec.folder)) await makeDatabase(spec);
  const pglite = await open(spec.folder, spec.database, spec.extensions);
  const session = new PgliteSession(pglite);
  prepareRoles(session, spec);
  const server = await serveSession(session, spec);
  port.once('message', () => void close(pglite, server, port));
  say(port, { type: 'ready', port: server.port });
}

async function close(pglite: PGlite, server: SessionServer, port: MessagePort): Promise<void> {
  try {
    await server.close();
    await pglite.close();
    say(port, { type: 'done' });
  } catch (error) {
    say(port, { type: 'failed', reason: describe(error), output });
  }
  port.close();
}

function say(port: MessagePort, news: WorkerNews): void {
  port.postMessage(news);
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

async function main(port: MessagePort, task: WorkerTask): Promise<void> {
  try {
    if (task.kind === 'serve') return await serve(task.spec, port);
    await makeTemplate(task.folder);
    say(port, { type: 'done' });
  } catch (error) {
    say(port, { type: 'failed', reason: describe(error), output });
  }
  port.close();
}

if (parentPort !== null) await main(parentPort, workerData as WorkerTask);
