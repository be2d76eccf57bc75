import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { runProgram } from '../../src/cli/program.ts';
import { openRun } from '../../src/wiring/open-run.ts';
import { type CaseFolder, OUTSIDE } from './case-folder.ts';
import type { FuzzCase } from './fuzz-case.ts';
import { withoutServer } from './nowhere.ts';

/** What a run of orch came to, in this process or in one of its own. */
export interface Ran {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the program's command line in this process, with a working folder and an environment of its own. */
export async function runHere({ args, env }: FuzzCase, folder: CaseFolder): Promise<Ran> {
  const said: Record<'stdout' | 'stderr', string[]> = { stdout: [], stderr: [] };
  let code: number | undefined;
  const edge: Parameters<typeof runProgram>[0] = {
    cwd: folder.project,
    environment: env,
    stdout: { write: (text) => said.stdout.push(text) },
    stderr: { write: (text) => said.stderr.push(text) },
    version: '0.0.0',
    signal: new AbortController().signal,
    ask: undefined,
    edit: undefined,
    open: async (options) => {
      // Without an engine and a wish, PGlite would be started.
      const wish = { ...options, runtime: 'compose' } as const;
      const { run, close } = await openRun(wish, { cwd: folder.project, pid: process.pid, environment: env });
      return { run: withoutServer(run), close };
    },
    setExitCode: (found) => {
      code = found;
    },
    keepSecret: () => undefined,
  };
  await runProgram(edge, args);
  return { code, stdout: said.stdout.join(''), stderr: said.stderr.join('') };
}

/** Of a plan without a server: done; what was given is at fault; pending; files that disagree; no server; several of these; no engine. */
const documented = [0, 2, 3, 6, 7, 8, 12];

/** More than the longest list of faults, in characters: a bomb's message must be none. JSON has all of it. */
const LONGEST = 200_000;

/** C0 without line ends and tabs, DEL, C1, and what turns the direction of text. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/;

/** What is wrong with how orch took the case; empty: nothing. */
export function judge(fuzzCase: FuzzCase, folder: CaseFolder, before: readonly string[], ran: Ran): readonly string[] {
  const { code, stdout, stderr } = ran;
  const wrong: string[] = [];
  if (code === undefined || !documented.includes(code)) wrong.push(`exit code ${code}`);
  // A script and a text of a file are given out as they are, where no terminal takes them.
  const isExact = code === 0 && (fuzzCase.args[0] === 'sql' || fuzzCase.args.includes('--up'));
  const told = isExact ? stderr : stdout + stderr;
  const steers = steering.exec(told);
  if (steers !== null) wrong.push(`the raw character U+${steers[0].codePointAt(0)?.toString(16)} in the output`);
  if (/bug in orch|^[ \t]+at .+:\d+:\d+\)?$/m.test(told)) wrong.push('a stack trace in the output');
  const repeats =
    fuzzCase.args.includes('json') || fuzzCase.args[0] === 'show' || fuzzCase.args.some((arg) => arg.length > 1000);
  if (told.length > LONGEST && !repeats) wrong.push(`an output of ${told.length} characters`);
  if ((stdout + stderr).includes(OUTSIDE)) wrong.push('a file outside the project in the output');
  wrong.push(...written(fuzzCase, before, folder.list()));
  if (fuzzCase.args.includes('json')) wrong.push(...jsonFaults(told, folder));
  else if (code === 2 && !namesWhat(told)) wrong.push('a fault of a file without the file');
  return wrong;
}

const writing = ['revision', 'merge', 'rebase'];

function written({ args }: FuzzCase, before: readonly string[], after: readonly string[]): readonly string[] {
  const known = new Set(before);
  const added = after.filter((path) => !known.has(path));
  const allowed = writing.includes(args[0] ?? '') ? added.filter((path) => !path.startsWith('project/')) : added;
  return allowed.map((path) => `wrote ${JSON.stringify(path)}`);
}

/** Every fault of a file, and of the command line, says which. */
function namesWhat(told: string): boolean {
  return !/faults? in the (?:config|revision)/.test(told) || /\.(?:yaml|sql|ts)\b|^the variable /m.test(told);
}

interface WrittenFault {
  readonly file: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
}

function jsonFaults(stdout: string, folder: CaseFolder): readonly string[] {
  const wrong: string[] = [];
  for (const line of stdout.split('\n').filter((one) => one.startsWith('{'))) {
    try {
      for (const fault of faultsIn(JSON.parse(line))) wrong.push(...misplaced(fault, folder));
    } catch (error) {
      wrong.push(`a line of JSON that is none: ${String(error)}`);
    }
  }
  return wrong;
}

function faultsIn(value: unknown): readonly WrittenFault[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = 'faults' in value && Array.isArray(value.faults) ? (value.faults as WrittenFault[]) : [];
  return [...own, ...Object.values(value).flatMap(faultsIn)];
}

/** A place must be one of the file. */
function misplaced({ file, line, column }: WrittenFault, folder: CaseFolder): readonly string[] {
  if (file === '') return ['a fault without a file'];
  if (line === undefined) return [];
  const lines = readFileSync(resolve(folder.project, file), 'utf8')
    .replace(/^\ufeff/, '')
    .replaceAll('\r\n', '\n')
    .split('\n');
  const text = lines[line - 1];
  if (text === undefined) return [`${file}:${line} is behind the last line, ${lines.length}`];
  if (column !== undefined && (column < 1 || column > text.length + 2))
    return [`${file}:${line}:${column} is behind the line's end`];
  return [];
}
