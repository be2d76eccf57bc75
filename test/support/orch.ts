import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** `ORCH_TEST_PROGRAM` is the `main.js` of another build, such as an installed package. */
const program = process.env.ORCH_TEST_PROGRAM ?? fileURLToPath(new URL('../../dist/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** Both, for what may stand in either. */
  readonly output: string;
}

export interface OrchOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** The `main.js` to run; absent: the built one. */
  readonly program?: string | undefined;
}

/** A running orch; awaited, its end. */
export interface RunningOrch {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with the text once stdout or stderr has it; rejects where the program ends without it. */
  said(text: string | RegExp): Promise<string>;
  output(): string;
}

/** The built program as a child process, as a user runs it: not a terminal, a clean environment. */
export function startOrch(args: readonly string[], options: OrchOptions): RunningOrch {
  const child = spawn(process.execPath, [options.program ?? program, ...args], {
    cwd: options.cwd,
    env: definedOnly({ ...baseEnvironment(), ...options.env }),
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(options.input ?? '');
  return watch(child);
}

/** Runs it to its end. */
export async function orch(args: readonly string[], options: OrchOptions): Promise<Ended> {
  return startOrch(args, options).ended;
}

function watch(child: ChildProcess): RunningOrch {
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const notify = (): void => {
    for (const listener of listeners) listener();
  };
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    notify();
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    notify();
  });
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      resolve({ code, signal, stdout, stderr, output: stdout + stderr });
      notify();
    });
  });
  const said = (text: string | RegExp): Promise<string> =>
    new Promise((resolve, reject) => {
      const check = (): void => {
        const all = stdout + stderr;
        if (typeof text === 'string' ? all.includes(text) : text.test(all)) {
          listeners.delete(check);
          resolve(all);
        } else if (child.exitCode !== null || child.signalCode !== null) {
          listeners.delete(check);
          reject(
            new Error(`orch ended (${child.exitCode ?? child.signalCode}) without saying ${String(text)}:\n${all}`),
          );
        }
      };
      listeners.add(check);
      check();
    });
  return { child, ended, said, output: () => stdout + stderr };
}

/** What a program needs to run at all; nothing of the tests' own surroundings that could change what orch does. */
function baseEnvironment(): Record<string, string | undefined> {
  const { PATH, HOME, TMPDIR, NODE_EXTRA_CA_CERTS, LANG } = process.env;
  return { PATH, HOME, TMPDIR, NODE_EXTRA_CA_CERTS, LANG };
}

function definedOnly(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
