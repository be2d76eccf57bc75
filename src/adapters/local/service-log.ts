import { appendFileSync, mkdirSync, renameSync, statSync } from 'node:fs';
import { open, readFile, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Clock } from '../../ports/clock.ts';
import type { LogLine } from '../../ports/runtime.ts';

/** Bytes at which a log file is put aside as `<file>.1`; the one put aside before goes. */
const fullSize = 10 * 1024 * 1024;
/** Characters at which a line without an end is written anyway. */
const longestLine = 64 * 1024;

/** Appends one service's output to its file: a line each, with time and stream. */
export class LogWriter {
  readonly #file: string;
  readonly #rest = { stdout: '', stderr: '' };
  #size: number;

  /** Bytes in the file before this writer's first line. */
  readonly start: number;

  /** Opens the file for appending; makes its folder. */
  constructor(file: string) {
    this.#file = file;
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.start = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
    this.#size = this.start;
  }

  /** @throws Error of the file system */
  write(stream: LogLine['stream'], chunk: string): void {
    const lines = (this.#rest[stream] + chunk).split('\n');
    const last = lines.pop() ?? '';
    this.#rest[stream] = last.length > longestLine ? '' : last;
    if (last.length > longestLine) lines.push(last);
    this.#append(lines.map((line) => formatLine(stream, line)));
  }

  /** Writes what came without a line end. */
  end(): void {
    for (const stream of ['stdout', 'stderr'] as const) {
      if (this.#rest[stream] !== '') this.#append([formatLine(stream, this.#rest[stream])]);
      this.#rest[stream] = '';
    }
  }

  #append(lines: readonly string[]): void {
    if (lines.length === 0) return;
    const text = lines.join('');
    if (this.#size > fullSize) {
      renameSync(this.#file, `${this.#file}.1`);
      this.#size = 0;
    }
    // Written at once: a log must not lose its last lines when orch is killed.
    appendFileSync(this.#file, text, { mode: 0o600 });
    this.#size += Buffer.byteLength(text);
  }
}

function formatLine(stream: LogLine['stream'], text: string): string {
  return `${new Date().toISOString()} ${stream === 'stdout' ? 'out' : 'err'} ${text.replace(/\r$/, '')}\n`;
}

function parseLine(service: string, line: string): LogLine {
  const [, stream, text] = /^\S+ (out|err) (.*)$/s.exec(line) ?? [];
  return { service, stream: stream === 'err' ? 'stderr' : 'stdout', text: text ?? line };
}

/**
 * The last lines of a kept log, oldest first; the file put aside before is read where this one is too short.
 * @param count undefined: all of it
 * @param start bytes of the file that are older than what is asked for; after a rotation all of the file is newer
 */
export async function readLogTail(
  service: string,
  file: string,
  count: number | undefined,
  start = 0,
): Promise<readonly LogLine[]> {
  let lines = await readLines(file, start);
  if (start > 0) return lines.slice(-(count ?? lines.length)).map((line) => parseLine(service, line));
  if (count === undefined || lines.length < count) lines = [...(await readLines(`${file}.1`)), ...lines];
  const wanted = count === undefined ? lines : count === 0 ? [] : lines.slice(-count);
  return wanted.map((line) => parseLine(service, line));
}

async function readLines(file: string, start = 0): Promise<string[]> {
  const bytes = await readFile(file).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return Buffer.alloc(0);
    throw error;
  });
  const lines = bytes
    .subarray(start <= bytes.length ? start : 0)
    .toString('utf8')
    .split('\n');
  lines.pop();
  return lines;
}

/** Lines appended from `offset` bytes on, as they come, until the signal is aborted; goes on in the new file after a rotation. */
export async function* followLog(
  service: string,
  file: string,
  start: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  let offset = start;
  let rest = '';
  while (!signal.aborted) {
    const size = await logSize(file);
    if (size < offset) offset = 0;
    if (size > offset) {
      const text = rest + (await readPart(file, offset, size - offset));
      const lines = text.split('\n');
      rest = lines.pop() ?? '';
      offset = size;
      for (const line of lines) yield parseLine(service, line);
    } else {
      // Polled: fs.watch tells nothing on network and container file systems.
      await clock.sleep(200, signal).catch(() => undefined);
    }
  }
}

/** Bytes in the log file now; 0 where there is none. */
export async function logSize(file: string): Promise<number> {
  return await stat(file).then(
    ({ size }) => size,
    () => 0,
  );
}

async function readPart(file: string, offset: number, length: number): Promise<string> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, offset);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await handle.close();
  }
}
