import { exitCodeOfFailure, exitCodeOfOutcome } from '../../src/cli/exit-code.ts';
import { maskSecrets } from '../../src/core/terminal-text.ts';
import type { PhraseContext } from '../../src/report/phrase-context.ts';
import type { ReporterOptions } from '../../src/report/settings.ts';
import { createClean } from '../../src/report/told.ts';
import type { Writer } from '../../src/report/writer.ts';
import { project } from './samples.ts';

/** A writer that keeps what it is given. */
export class Recorder implements Writer {
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  readonly rows: number | undefined;
  text = '';

  constructor(terminal?: { readonly columns: number; readonly rows: number }) {
    this.isTTY = terminal !== undefined;
    this.columns = terminal?.columns;
    this.rows = terminal?.rows;
  }

  write(text: string): void {
    this.text += text;
  }

  /** What a person sees: the lines that are left once cursor movements and erasures have been obeyed. */
  screen(): string {
    const screen = { lines: [''], row: 0, column: 0 };
    for (const token of this.text.match(tokens) ?? []) obey(screen, token);
    return screen.lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd();
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal is told what to do by them
const tokens = /\u001b\[[?0-9;]*[A-Za-z]|\n|[^\u001b\n]+/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const movement = /^\u001b\[([?0-9;]*)([A-Za-z])$/;

/** Does what a terminal does with one sequence or piece of text; colours and the cursor's look change nothing. */
function obey(screen: { lines: string[]; row: number; column: number }, token: string): void {
  const [, count = '', move] = movement.exec(token) ?? [];
  if (token === '\n') {
    screen.row += 1;
    screen.column = 0;
    screen.lines[screen.row] ??= '';
  } else if (move === 'G') screen.column = 0;
  else if (move === 'A') screen.row = Math.max(0, screen.row - Number(count === '' ? 1 : count));
  else if (move === 'K') screen.lines[screen.row] = '';
  else if (move === undefined) {
    const line = (screen.lines[screen.row] ?? '').padEnd(screen.column);
    screen.lines[screen.row] = line.slice(0, screen.column) + token + line.slice(screen.column + token.length);
    screen.column += token.length;
  }
}

export function contextWith(changes: Partial<PhraseContext> = {}): PhraseContext {
  return {
    cwd: '/home/dev/shop',
    showData: false,
    project,
    clean: createClean(project.secrets),
    mask: (text) => maskSecrets(text, project.secrets),
    command: undefined,
    headsOf: () => ['001_users'],
    ...changes,
  };
}

export function optionsWith(stdout: Writer, stderr: Writer, changes: Partial<ReporterOptions> = {}): ReporterOptions {
  return {
    format: undefined,
    quiet: false,
    verbose: false,
    showData: false,
    stdout,
    stderr,
    environment: {},
    cwd: '/home/dev/shop',
    project,
    exitCodes: { ofFailure: exitCodeOfFailure, ofOutcome: exitCodeOfOutcome },
    now: () => Date.UTC(2026, 10, 20, 10, 0, 0),
    ...changes,
  };
}
