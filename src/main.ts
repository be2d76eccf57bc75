#!/usr/bin/env node
import { createInterface } from 'node:readline/promises';
import type { Edge } from './cli/command-context.ts';
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
  if (interrupt.signal.aborted) process.exit(code);
  interrupt.abort(new Failure('interrupted', { signal }));
  setTimeout(() => {
    process.stderr.write(
      `orch: still busy ${GRACE / 1000} s after ${signal}; ending anyway. The server rolls back what is open.\n`,
    );
    process.exit(code);
  }, GRACE).unref();
}
process.on('SIGINT', () => onSignal('SIGINT'));
process.on('SIGTERM', () => onSignal('SIGTERM'));
// `orch logs | head` closes our stdout: that is the reader's right and no fault of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(exitCodes.done);
  throw error;
});

const edge: Edge = {
  cwd: process.cwd(),
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  version: VERSION,
  signal: interrupt.signal,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
  edit: process.stdin.isTTY && process.stderr.isTTY ? edit : undefined,
  open: (options) => openRun(options, { cwd: process.cwd(), pid: process.pid, environment: process.env }),
  setExitCode: (code) => {
    process.exitCode = code;
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
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return await terminal.question(question, { signal: interrupt.signal });
  } catch (error) {
    interrupt.signal.throwIfAborted();
    throw error;
  } finally {
    terminal.close();
  }
}

try {
  await runProgram(edge, process.argv.slice(2));
} catch (error) {
  const style = createStyle(wantsColor(process.env, process.stderr.isTTY));
  process.stderr.write(formatBug(error, VERSION, [], style));
  process.exitCode = exitCodes.bug;
}
