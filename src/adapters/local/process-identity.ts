import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { kill, platform } from 'node:process';
import { promisify } from 'node:util';

/** A process, told apart from a later one with the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the words of the operating system; undefined: it can't be told here. */
  readonly started: string | undefined;
}

/** The identity of a running process; undefined: there is none with that number (or only its remains). */
export async function findProcess(pid: number): Promise<ProcessIdentity | undefined> {
  if (!Number.isSafeInteger(pid) || pid <= 0 || !answersSignals(pid)) return undefined;
  if (platform === 'linux') return await findOnLinux(pid);
  if (platform === 'win32') return { pid, started: undefined };
  return await findWithPs(pid);
}

/** True while this very process runs. */
export async function isRunning(process: ProcessIdentity): Promise<boolean> {
  const found = await findProcess(process.pid);
  if (found === undefined) return false;
  return process.started === undefined || found.started === undefined || process.started === found.started;
}

function answersSignals(pid: number): boolean {
  try {
    kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, but another user's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** The 22nd field of `/proc/<pid>/stat` is the start in ticks since boot, so the boot is part of the identity. */
async function findOnLinux(pid: number): Promise<ProcessIdentity | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return undefined;
  // The second field, the program's name in brackets, may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  // A zombie runs no more; its parent has only not asked for its exit code yet.
  if (fields[0] === 'Z' || fields[0] === 'X') return undefined;
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return { pid, started: `${boot.trim()}/${fields[19]}` };
}

async function findWithPs(pid: number): Promise<ProcessIdentity | undefined> {
  const answer = await promisify(execFile)('ps', ['-o', 'stat=,lstart=', '-p', String(pid)]).catch(() => undefined);
  const [, state, started] = /^\s*(\S+)\s+(.+?)\s*$/.exec(answer?.stdout ?? '') ?? [];
  if (state === undefined || state.startsWith('Z')) return undefined;
  return { pid, started };
}
