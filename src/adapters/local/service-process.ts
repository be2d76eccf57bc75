import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { kill, platform } from 'node:process';
import type { Readable } from 'node:stream';
import type { Service } from '../../core/project.ts';
import { findProcess, isRunning, type ProcessIdentity } from './process-identity.ts';
import { LogWriter } from './service-log.ts';
import type { ServiceExit } from './state-file.ts';

/** A service's process. */
export interface ServiceProcess {
  readonly identity: ProcessIdentity;
  /** Bytes in its log file that are older than it. */
  readonly logStart: number;
  /** Undefined while it runs. */
  readonly exit: ServiceExit | undefined;
  /** Resolves when it has ended. */
  readonly ended: Promise<ServiceExit>;
  /** Asks it to end; after `grace` ms it is killed, with what it started itself. */
  stop(grace: number): Promise<void>;
}

type OutputProcess = ChildProcessByStdio<null, Readable, Readable>;

/** What a service's process is started with. */
export interface LaunchOptions {
  readonly service: Service;
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly logFile: string;
  /** Told once when the log can't be written any more, such as on a full disk; the service goes on. */
  readonly onLogLost: (error: Error) => void;
}

/**
 * Starts a service's process, with its output going to its log.
 * @throws Error of the operating system where the program cannot be started
 */
export async function launchService(options: LaunchOptions): Promise<ServiceProcess> {
  const [file = '', ...arguments_] = options.command;
  const log = new LogWriter(options.logFile);
  const child = spawn(file, arguments_, {
    cwd: options.service.folder,
    env: options.environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own: Ctrl-C on the terminal reaches orch alone, which then stops services in their order.
    detached: platform !== 'win32',
    windowsHide: true,
  });
  keepLog(child, log, options.onLogLost);
  const ended = watchExit(child);
  await once(child, 'spawn');
  const pid = child.pid ?? 0;
  const identity = (await findProcess(pid)) ?? { pid, started: undefined };
  let exit: ServiceExit | undefined;
  void ended.then((how) => {
    exit = how;
  });
  return {
    identity,
    logStart: log.start,
    get exit() {
      return exit;
    },
    ended,
    stop: async (grace) => await stopGroup(pid, ended, grace),
  };
}

function keepLog(child: OutputProcess, log: LogWriter, onLost: (error: Error) => void): void {
  let lost = false;
  const attempt = (action: () => void): void => {
    if (lost) return;
    try {
      action();
    } catch (error) {
      lost = true;
      onLost(error instanceof Error ? error : new Error(String(error)));
    }
  };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => attempt(() => log.write('stdout', chunk)));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => attempt(() => log.write('stderr', chunk)));
  child.once('exit', () => attempt(() => log.end()));
  child.once('close', () => attempt(() => log.end()));
}

/** Resolves soon after the end; its last words are read first, unless something that it started still has its pipes. */
function watchExit(child: OutputProcess): Promise<ServiceExit> {
  return new Promise((resolve) => {
    child.once('exit', (exitCode, signal) => {
      const settle = (): void => resolve({ exitCode: exitCode ?? undefined, signal: signal ?? undefined });
      child.once('close', settle);
      setTimeout(settle, 300).unref();
    });
  });
}

async function stopGroup(pid: number, ended: Promise<unknown>, grace: number): Promise<void> {
  signalGroup(pid, 'SIGTERM');
  const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), grace);
  await ended;
  clearTimeout(timer);
  // What the service started itself and left behind.
  signalGroup(pid, 'SIGKILL');
}

/** Sends to the process and all that it started; no error where they are gone. */
function signalGroup(pid: number, signal: 'SIGTERM' | 'SIGKILL'): void {
  try {
    kill(platform === 'win32' ? pid : -pid, signal);
  } catch (error) {
    // EPERM: on macOS, of a group in which only zombies are left.
    if (!(error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'EPERM'))) throw error;
  }
}

/** Ends a process that a killed orch left behind; nothing is done where the number belongs to another process by now. */
export async function endOrphan(identity: ProcessIdentity, grace: number): Promise<boolean> {
  if (identity.started === undefined || !(await isRunning(identity))) return false;
  const deadline = performance.now() + grace;
  signalGroup(identity.pid, 'SIGTERM');
  while (await isRunning(identity)) {
    if (performance.now() > deadline) signalGroup(identity.pid, 'SIGKILL');
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
  signalGroup(identity.pid, 'SIGKILL');
  return true;
}
