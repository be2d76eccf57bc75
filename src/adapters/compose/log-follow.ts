import { Failure } from '../../core/failure.ts';
import type { LogLine } from '../../ports/runtime.ts';
import { type EngineClient, EngineRefusal } from './engine-client.ts';
import { containersOf, labelFilters, labels } from './labels.ts';
import { type LogEntry, mergeByTime } from './log-frames.ts';

/** Whose logs are read: the orch service's name with that of its Compose service. */
export interface LogSource {
  readonly service: string;
  readonly container: string;
}

interface LogRequest {
  readonly project: string;
  readonly sources: readonly LogSource[];
  /** Lines from the end of each container's log; undefined: all. */
  readonly tail: number | undefined;
  readonly signal: AbortSignal;
}

interface TimedLine extends LogLine {
  readonly time: string;
}

/** The logs as they are now, one after the other in time. @throws Failure `docker-unavailable` */
export async function* readLogs(engine: EngineClient, request: LogRequest): AsyncGenerator<LogLine> {
  const found = await engine.listContainers(labelFilters(request.project), request.signal);
  const logs = request.sources.flatMap((source) =>
    containersOf(found, source.container).map((container) =>
      readOne(engine, request, source, container.id, { follow: false, tail: request.tail }),
    ),
  );
  for await (const line of mergeByTime(logs)) yield plain(line);
}

/**
 * The logs so far and then every line as it comes, also from containers that start later. Ends with the signal, without
 * an error. @throws Failure `docker-unavailable` where the engine goes away
 */
export async function* followLogs(engine: EngineClient, request: LogRequest): AsyncGenerator<LogLine> {
  const stop = new AbortController();
  const signal = AbortSignal.any([request.signal, stop.signal]);
  const queue = new LineQueue(signal);
  const follower = new Follower(engine, { ...request, signal }, queue);
  const running = follower.run();
  try {
    yield* queue;
  } catch (error) {
    if (!request.signal.aborted) throw error;
  } finally {
    stop.abort();
    await running;
  }
}

/** Attaches to each container's log once for every start of it. */
class Follower {
  readonly #engine: EngineClient;
  readonly #request: LogRequest;
  readonly #queue: LineQueue;
  readonly #attached = new Map<string, Promise<void>>();
  /** Time of the last line of each container: where to go on after a restart. */
  readonly #last = new Map<string, string>();

  constructor(engine: EngineClient, request: LogRequest, queue: LineQueue) {
    this.#engine = engine;
    this.#request = request;
    this.#queue = queue;
  }

  async run(): Promise<void> {
    const { project, signal } = this.#request;
    try {
      // Listening first: a container that starts during the listing is not missed.
      const listening = this.#listen().catch((error: unknown) => this.#queue.fail(error));
      const listed = await this.#engine.listContainers(labelFilters(project), signal);
      for (const source of this.#request.sources) {
        for (const container of containersOf(listed, source.container)) this.#attach(source, container.id);
      }
      await listening;
    } catch (error) {
      this.#queue.fail(error);
    }
    await Promise.all(this.#attached.values());
  }

  async #listen(): Promise<void> {
    const { project, signal } = this.#request;
    for await (const event of this.#engine.events(labelFilters(project), signal)) {
      const source = this.#request.sources.find(({ container }) => container === event.labels[labels.service]);
      if (event.action === 'start' && source !== undefined) this.#attach(source, event.container);
    }
    throw new Failure('docker-unavailable', {
      what: 'engine-lost',
      reason: 'the engine ended its stream of events',
      tried: [],
    });
  }

  #attach(source: LogSource, id: string): void {
    const before = this.#attached.get(id) ?? Promise.resolve();
    this.#attached.set(
      id,
      before.then(() => this.#pump(source, id)).catch((error: unknown) => this.#queue.fail(error)),
    );
  }

  async #pump(source: LogSource, id: string): Promise<void> {
    const since = this.#last.get(id);
    const tail = since === undefined ? this.#request.tail : undefined;
    for await (const line of readOne(this.#engine, this.#request, source, id, { follow: true, tail, since })) {
      // `since` includes the line of that very time.
      if (line.time === since) continue;
      this.#last.set(id, line.time);
      this.#queue.push(plain(line));
    }
  }
}

async function* readOne(
  engine: EngineClient,
  request: LogRequest,
  source: LogSource,
  id: string,
  part: { readonly follow: boolean; readonly tail: number | undefined; readonly since?: string | undefined },
): AsyncGenerator<TimedLine> {
  const container = await engine.findContainer(id, request.signal);
  if (container === undefined) return;
  const entries: AsyncIterable<LogEntry> = engine.logs(id, { ...part, tty: container.tty, signal: request.signal });
  try {
    for await (const entry of entries) yield { service: source.service, ...entry };
  } catch (error) {
    if (!(error instanceof EngineRefusal)) throw error;
    // A log driver that can't be read (501), or a container that was just removed.
    yield { service: source.service, stream: 'stderr', time: '', text: `no log: ${error.message}` };
  }
}

function plain(line: TimedLine): LogLine {
  return { service: line.service, stream: line.stream, text: line.text };
}

/** Takes lines from several logs, gives them to one reader in the order of their coming. */
class LineQueue implements AsyncIterable<LogLine> {
  readonly #signal: AbortSignal;
  #lines: LogLine[] = [];
  #fault: { readonly error: unknown } | undefined;
  #wake: () => void = () => {};

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', () => this.#wake(), { once: true });
  }

  push(line: LogLine): void {
    this.#lines.push(line);
    this.#wake();
  }

  fail(error: unknown): void {
    this.#fault ??= { error };
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<LogLine> {
    for (;;) {
      const lines = this.#lines;
      this.#lines = [];
      yield* lines;
      if (this.#signal.aborted) return;
      if (this.#fault !== undefined && this.#lines.length === 0) throw this.#fault.error;
      if (this.#lines.length > 0) continue;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
