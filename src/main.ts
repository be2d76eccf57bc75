import { isatty } from 'node:tty';
import type { Edge, OpenRun } from './cli/command-context.ts';
import { exitCodes } from './cli/exit-code.ts';
import { runProgram } from './cli/program.ts';
import { Failure } from './core/failure.ts';
import { formatBug } from './report/failure-text.ts';
import { createStyle, wantsColor } from './report/style.ts';
import { VERSION } from './version.ts';
import { editFiles } from './wiring/edit-files.ts';
import { openRun } from './wiring/open-run.ts';

/** After an interrupt, the longest time until the process ends, in ms: half of what an orchestrator waits before SIGKILL is the rule of thumb. */
const GRACE = 9_000;

const interrupt = new AbortController();
let editing = false;

/** The first signal cancels and rolls back; a second one ends the process at once. As PID 1 nothing happens without a handler. */
function onSignal(signal: 'SIGINT' | 'SIGTERM'): void {
  // Ctrl-C in an editor goes to every process of the terminal, and is the editor's.
  if (editing && signal === 'SIGINT') return;
  const code = exitCodes[signal];
  if (interrupt.signal.aborted) endNow(`ended at once on ${signal}.`, code);
  interrupt.abort(new Failure('interrupted', { signal }));
  setTimeout(() => endNow(`still busy ${GRACE / 1000} s after ${signal}; ending anyway.`, code), GRACE).unref();
}

function endNow(why: string, code: number): never {
  process.stderr.write(`orch: ${why} The server rolls back what is open; orch status shows what is left.\n`);
  process.exit(code);
}

process.on('SIGINT', () => onSignal('SIGINT'));
process.on('SIGTERM', () => onSignal('SIGTERM'));
// The terminal was closed: what `up` holds must not outlive it. Unhandled, SIGHUP would end this process alone.
process.on('SIGHUP', () => onSignal('SIGTERM'));

let opened: OpenRun | undefined;
let secrets: readonly string[] = [];

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  // EIO: the terminal is gone, and SIGHUP says what to do.
  if (error.code === 'EIO') return;
  if (error.code !== 'EPIPE') throw error;
  // `orch logs | head` closes our stdout: that is the reader's right and no fault of ours.
  void Promise.resolve(opened?.close()).finally(() => process.exit(exitCodes.done));
});
process.stderr.on('error', (error: NodeJS.ErrnoException) => {
  // Nobody reads the progress any more; the work goes on.
  if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error;
});

const edge: Edge = {
  cwd: process.cwd(),
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  version: VERSION,
  signal: interrupt.signal,
  ask: isatty(0) && isatty(2) ? ask : undefined,
  edit: isatty(0) && isatty(2) ? edit : undefined,
  open: async (options) => {
    opened = await openRun(options, { cwd: process.cwd(), pid: process.pid, environment: process.env });
    return opened;
  },
  setExitCode: (code) => {
    process.exitCode = code;
  },
  keepSecret: (found) => {
    secrets = found;
  },
};

async function edit(command: string, files: readonly string[]): Promise<void> {
  editing = true;
  try {
    await editFiles(command, files, process.env);
  } finally {
    editing = false;
  }
}

async function ask(question: string): Promise<string> {
  // Loaded late: hardly a run asks.
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While a line is edited, Ctrl-C comes as a key and not as a signal.
  terminal.on('SIGINT', () => onSignal('SIGINT'));
  // The end of input (Ctrl-D) is no answer: some versions of Node reject the question then, others leave it open.
  const ended = new Promise<string>((resolve) => void terminal.once('close', () => resolve('')));
  try {
    return await Promise.race([terminal.question(question, { signal: interrupt.signal }), ended]);
  } catch (error) {
    interrupt.signal.throwIfAborted();
    if (error instanceof Error && error.name === 'AbortError') return '';
    throw error;
  } finally {
    terminal.close();
  }
}

try {
  await runProgram(edge, process.argv.slice(2));
} catch (error) {
  const style = createStyle(wantsColor(process.env, process.stderr.isTTY));
  process.stderr.write(formatBug(error, VERSION, secrets, style));
  process.exitCode = exitCodes.bug;
}
