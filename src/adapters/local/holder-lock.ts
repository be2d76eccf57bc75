import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { findProcess, isRunning, type ProcessIdentity } from './process-identity.ts';

/** The process that has the databases open. */
export interface LockOwner {
  readonly process: ProcessIdentity;
  /** `up`: it stays until it is asked to go. `command`: it goes as soon as its command is done. */
  readonly stays: boolean;
}

/** This process's own lock. */
export interface HeldLock {
  release(): Promise<void>;
}

/*
 * PostgreSQL data that two processes open at once is lost, so a stale lock has to be taken over by one of several
 * contenders at most. Node has no flock; so the lock is a row of numbered files, each made exclusively, of which the
 * highest counts. It is taken by making the next number once the highest is released or its process is dead. The highest
 * is never deleted, so whoever made a number finds a higher one if it came too late.
 */

/** How long a lock file may stay without readable content before its writer counts as killed, in ms. */
const writingTime = 3000;

/** Who holds the lock now; undefined: nobody that is alive. */
export async function findOwner(folder: string): Promise<LockOwner | undefined> {
  const highest = await highestNumber(folder);
  return highest === 0 ? undefined : await livingOwner(join(folder, String(highest)));
}

/**
 * Takes the lock, a stale one too.
 * @returns the lock, or its living owner
 * @throws Failure `usage-invalid` where the folder cannot be written
 */
export async function takeLock(folder: string, pid: number, stays: boolean): Promise<HeldLock | LockOwner> {
  await makeFolder(folder);
  const process = (await findProcess(pid)) ?? { pid, started: undefined };
  const content = JSON.stringify({ process, stays } satisfies LockOwner);
  for (;;) {
    const highest = await highestNumber(folder);
    const owner = highest === 0 ? undefined : await livingOwner(join(folder, String(highest)));
    if (owner !== undefined) return owner;
    const mine = highest + 1;
    const file = join(folder, String(mine));
    if (!(await createWith(file, content))) continue;
    if ((await highestNumber(folder)) !== mine) {
      await rm(file, { force: true });
      continue;
    }
    for (const number of await numbers(folder))
      if (number < mine) await rm(join(folder, String(number)), { force: true });
    return { release: () => replaceWith(file, 'released') };
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unwritable(folder, cause);
  }
}

function unwritable(folder: string, cause: unknown): Failure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Failure(
    'usage-invalid',
    { message: `the local runtime keeps its data in ${folder}, which cannot be written: ${reason}` },
    { cause },
  );
}

/** False: somebody else made it. */
async function createWith(file: string, content: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx', 0o600);
    try {
      await handle.writeFile(content);
    } finally {
      await handle.close();
    }
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw unwritable(file, error);
  }
}

async function replaceWith(file: string, content: string): Promise<void> {
  const handle = await open(`${file}.released`, 'w', 0o600);
  await handle.writeFile(content);
  await handle.close();
  await rename(`${file}.released`, file);
}

async function numbers(folder: string): Promise<readonly number[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw unwritable(folder, error);
  });
  return names.filter((name) => /^\d+$/.test(name)).map(Number);
}

async function highestNumber(folder: string): Promise<number> {
  return Math.max(0, ...(await numbers(folder)));
}

async function livingOwner(file: string): Promise<LockOwner | undefined> {
  const started = performance.now();
  for (;;) {
    const text = await readFile(file, 'utf8').catch(() => 'released');
    if (text === 'released') return undefined;
    const owner = parseOwner(text);
    if (owner !== undefined) return (await isRunning(owner.process)) ? owner : undefined;
    const age = await stat(file).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => writingTime,
    );
    if (age >= writingTime || performance.now() - started >= writingTime) return undefined;
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
}

function parseOwner(text: string): LockOwner | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isOwner(value) ? value : undefined;
  } catch {
    // Being written, or its writer was killed: the caller waits and tells the two apart by age.
    return undefined;
  }
}

function isOwner(value: unknown): value is LockOwner {
  if (typeof value !== 'object' || value === null || !('process' in value) || !('stays' in value)) return false;
  const { process, stays } = value;
  return (
    typeof stays === 'boolean' &&
    typeof process === 'object' &&
    process !== null &&
    'pid' in process &&
    typeof process.pid === 'number'
  );
}
