import { exitCodeOfFailure, exitCodeOfOutcome } from '../../src/cli/exit-code.ts';
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
    const lines = [''];
    let row = 0;
    let column = 0;
    const tokens = this.text.match(/\u001b\[[?0-9;]*[A-Za-z]|\n|\r|[^\u001b\n\r]+/g) ?? [];
    for (const token of tokens) {
      const move = /^\u001b\[([?0-9;]*)([A-Za-z])$/.exec(token);
      if (move === null && token === '\n') {
        row += 1;
        column = 0;
        lines[row] ??= '';
      } else if (token === '\r' || move?.[2] === 'G') column = 0;
      else if (move?.[2] === 'A') row = Math.max(0, row - Number(move[1] === '' ? 1 : move[1]));
      else if (move?.[2] === 'K') lines[row] = '';
      else if (move === null) {
        const line = (lines[row] ?? '').padEnd(column);
        lines[row] = line.slice(0, column) + token + line.slice(column + token.length);
        column += token.length;
      }
    }
    return lines.join('\n').trimEnd();
  }
}

export function contextWith(changes: Partial<PhraseContext> = {}): PhraseContext {
  return {
    cwd: '/home/dev/shop',
    showData: false,
    project,
    clean: createClean(project.secrets),
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
