import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { DatabaseSpec, WorkerNews, WorkerTask } from './database-spec.ts';

/** A database that could not be started, or ended by itself. */
export class DatabaseStopped extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause });
    this.name = 'DatabaseStopped';
  }
}

/** A running database. */
export interface RunningDatabase {
  readonly spec: DatabaseSpec;
  readonly host: string;
  readonly port: number;
  /** Writes everything to disk and ends; after `patience` ms in vain the thread is ended, and the next start recovers. */
  close(patience: number): Promise<void>;
}

/**
 * Starts one database in a thread of its own.
 * @param onLost called once when it ends without having been asked to
 * @throws DatabaseStopped with what PostgreSQL said where it does not start
 */
export async function startDatabase(
  spec: DatabaseSpec,
  onLost: (error: DatabaseStopped) => void,
): Promise<RunningDatabase> {
  const worker = startWorker({ kind: 'serve', spec });
  const port = await new Promise<number>((resolve, reject) => {
    onEnd(worker, reject);
    worker.once('message', (news: WorkerNews) => {
      if (news.type === 'ready') resolve(news.port);
    });
  });
  let closing = false;
  worker.removeAllListeners();
  onEnd(worker, (error) => {
    if (!closing) onLost(error);
  });
  return {
    spec,
    host: '127.0.0.1',
    port,
    close: async (patience) => {
      closing = true;
      await closeWorker(worker, patience);
    },
  };
}

/**
 * Makes the empty cluster that new databases are copied from: `initdb` takes seconds, a copy a fraction of one.
 * @throws DatabaseStopped
 */
export async function makeTemplate(folder: string): Promise<void> {
  const worker = startWorker({ kind: 'make-template', folder });
  await new Promise<void>((resolve, reject) => {
    onEnd(worker, reject);
    worker.once('message', (news: WorkerNews) => {
      if (news.type === 'done') resolve();
    });
  });
}

/** Room for PostgreSQL's own check of the stack depth (54001) to come before the thread's stack is used up. */
const resourceLimits = { stackSizeMb: 64 };

/** The bundle has the worker's entry as a file of its own; this code may be in it or in a chunk one folder below. */
function startWorker(task: WorkerTask): Worker {
  const places = ['./pglite-worker.js', '../pglite-worker.js'].map((place) =>
    fileURLToPath(new URL(place, import.meta.url)),
  );
  const bundled = places.find((place) => existsSync(place));
  if (bundled !== undefined) return new Worker(bundled, { workerData: task, resourceLimits });
  // A thread has no TypeScript of its own before Node 22.18: tsx is put in front where orch runs from source.
  const source = new URL('./pglite-worker.ts', import.meta.url).href;
  // Its CommonJS build, which `resolve` finds, cannot find the rest of it.
  const tsx = pathToFileURL(
    createRequire(import.meta.url)
      .resolve('tsx/esm/api')
      .replace(/\.cjs$/, '.mjs'),
  ).href;
  const script = `import(${JSON.stringify(tsx)}).then(({ tsImport }) => tsImport(${JSON.stringify(source)}, ${JSON.stringify(source)}))`;
  return new Worker(script, { eval: true, workerData: task, resourceLimits });
}

/** Listens for the thread's end: an error in it, its own report of a failure, or its exit. */
function onEnd(worker: Worker, listener: (error: DatabaseStopped) => void): void {
  let told = false;
  const tell = (error: DatabaseStopped): void => {
    if (!told) listener(error);
    told = true;
  };
  worker.on('error', (error) => tell(new DatabaseStopped(error.message, error)));
  worker.on('exit', (code) => tell(new DatabaseStopped(`the database's thread ended with exit code ${code}`)));
  worker.on('message', (news: WorkerNews) => {
    if (news.type === 'failed') tell(new DatabaseStopped([news.reason, ...news.output].join('\n')));
  });
}

async function closeWorker(worker: Worker, patience: number): Promise<void> {
  const ended = new Promise<void>((resolve) => void worker.once('exit', () => resolve()));
  worker.postMessage('close');
  const timer = setTimeout(() => void worker.terminate(), patience);
  await ended;
  clearTimeout(timer);
}
