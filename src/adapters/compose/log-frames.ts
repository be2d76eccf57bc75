/** A line of a container's log. */
export interface LogEntry {
  readonly stream: 'stdout' | 'stderr';
  /** RFC 3339 with nanoseconds, as the engine wrote it: sorts as text. Empty: none was asked for. */
  readonly time: string;
  readonly text: string;
}

interface Frame {
  readonly stream: 'stdout' | 'stderr';
  readonly data: Buffer;
}

/**
 * Splits what `GET /containers/{id}/logs?timestamps=1` sends into lines. Without a TTY the engine sends frames: a byte for
 * the stream, three zeros, the length in four bytes, then the data; with one it sends the text alone.
 */
export async function* readLogEntries(chunks: AsyncIterable<Buffer>, tty: boolean): AsyncGenerator<LogEntry> {
  const open: Record<LogEntry['stream'], Buffer> = { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) };
  for await (const frame of tty ? plainFrames(chunks) : readFrames(chunks)) {
    let rest = join(open[frame.stream], frame.data, tty);
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      yield entryOf(frame.stream, rest.subarray(0, end));
      rest = rest.subarray(end + 1);
    }
    open[frame.stream] = rest;
  }
  for (const stream of ['stdout', 'stderr'] as const) {
    if (open[stream].length > 0) yield entryOf(stream, open[stream]);
  }
}

/** The engine cuts a line at 16 KiB into frames that each have a timestamp of their own: the later ones' are dropped. */
function join(before: Buffer, data: Buffer, tty: boolean): Buffer {
  if (before.length === 0) return data;
  return Buffer.concat([before, tty ? data : data.subarray(timeEnd(data))]);
}

function timeEnd(data: Buffer): number {
  const head = data.subarray(0, 40).toString('latin1');
  return /^\d{4}-\d\d-\d\dT\S+ /.exec(head)?.[0].length ?? 0;
}

function entryOf(stream: 'stdout' | 'stderr', line: Buffer): LogEntry {
  const end = timeEnd(line);
  return {
    stream,
    time: line.subarray(0, Math.max(0, end - 1)).toString('latin1'),
    text: line.subarray(end).toString('utf8').replace(/\r$/, ''),
  };
}

async function* plainFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  for await (const data of chunks) yield { stream: 'stdout', data };
}

async function* readFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of chunks) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (rest.length >= 8) {
      const size = rest.readUInt32BE(4);
      if (rest.length < 8 + size) break;
      yield { stream: rest[0] === 2 ? 'stderr' : 'stdout', data: rest.subarray(8, 8 + size) };
      rest = rest.subarray(8 + size);
    }
  }
}

/** Puts several logs, each in its own order, into one by time. Nothing but one line of each is held. */
export async function* mergeByTime<T extends { readonly time: string }>(
  logs: readonly AsyncIterable<T>[],
): AsyncGenerator<T> {
  const iterators = logs.map((log) => log[Symbol.asyncIterator]());
  try {
    const heads = await Promise.all(iterators.map((iterator) => iterator.next()));
    for (;;) {
      const first = earliest(heads);
      const head = heads[first];
      const iterator = iterators[first];
      if (head === undefined || head.done === true || iterator === undefined) return;
      yield head.value;
      heads[first] = await iterator.next();
    }
  } finally {
    await Promise.all(iterators.map((iterator) => iterator.return?.()));
  }
}

/** Index of the head with the lowest time; -1: all are at their end. */
function earliest(heads: readonly IteratorResult<{ readonly time: string }, unknown>[]): number {
  let found = -1;
  let time = '';
  for (const [index, head] of heads.entries()) {
    if (head.done === true || (found >= 0 && head.value.time >= time)) continue;
    found = index;
    time = head.value.time;
  }
  return found;
}
