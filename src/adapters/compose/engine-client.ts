import type { IncomingMessage } from 'node:http';
import Docker from 'dockerode';
import { Failure } from '../../core/failure.ts';
import { type EngineAddress, formatAddress } from './engine-address.ts';
import { linesOf, messageOf, textOf } from './engine-answer.ts';
import { type EngineCall, engineCalls } from './engine-calls.ts';
import { connectionOf } from './engine-connection.ts';
import { reasonOf } from './engine-ping.ts';
import {
  type EngineEvent,
  type InspectedContainer,
  type ListedContainer,
  MalformedAnswer,
  parseContainer,
  parseContainerList,
  parseEvent,
  parseImageId,
} from './engine-shapes.ts';
import { type LogEntry, readLogEntries } from './log-frames.ts';

/** The engine works, but says no: `status` is its HTTP status, the message its own. Callers turn it into a failure. */
export class EngineRefusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'EngineRefusal';
    this.status = status;
  }
}

interface CallOptions {
  readonly subject?: string | undefined;
  readonly query?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
  /** In ms. */
  readonly timeout?: number;
}

/** Which part of a container's log is read. */
interface LogOptions {
  readonly tty: boolean;
  readonly follow: boolean;
  /** Lines from the end; undefined: all. */
  readonly tail: number | undefined;
  /** Only what is younger: RFC 3339; undefined: all. */
  readonly since?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** dockerode rejects on its own where a status is not in this table; here every status is read by `#call`. */
const everyStatus = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [index + 100, true]));

/**
 * The few calls to a Docker Engine that are needed (`engineCalls`), through dockerode's transport. Each is bounded: an
 * engine that hangs, closes half-way, answers 5xx to a question or sends no JSON is the Failure `docker-unavailable`.
 * dockerode's own methods wait for ever where the engine closes within an answer, so the body is read here.
 */
export class EngineClient {
  readonly #docker: Docker;
  readonly #address: EngineAddress;
  readonly #timeout: number;

  /** @param timeout for each call, in ms */
  constructor(address: EngineAddress, timeout = 10_000) {
    this.#address = address;
    this.#timeout = timeout;
    this.#docker = new Docker(connectionOf(address));
  }

  /** Containers in any state that have all of these labels (`name=value`). */
  async listContainers(filters: readonly string[], signal?: AbortSignal): Promise<readonly ListedContainer[]> {
    const query = { all: '1', filters: JSON.stringify({ label: filters }) };
    return this.#ask(engineCalls.listContainers, { query, signal }, parseContainerList);
  }

  /** Undefined: there is no such container (any more). */
  async findContainer(id: string, signal?: AbortSignal): Promise<InspectedContainer | undefined> {
    return this.#find(engineCalls.inspectContainer, { subject: id, signal }, parseContainer);
  }

  /** Undefined: the engine has no image of that name. */
  async findImageId(name: string, signal?: AbortSignal): Promise<string | undefined> {
    return this.#find(engineCalls.inspectImage, { subject: name, signal }, parseImageId);
  }

  /** Fine where it runs already (304). @throws EngineRefusal such as a taken port */
  async startContainer(id: string, signal?: AbortSignal): Promise<void> {
    await this.#act(engineCalls.startContainer, { subject: id, signal, timeout: this.#timeout * 6 });
  }

  /** With the container's own stop signal and timeout; fine where it is stopped (304) or gone (404). */
  async stopContainer(id: string, stopTimeout: number | undefined): Promise<void> {
    const timeout = this.#timeout + (stopTimeout ?? 10) * 1000;
    await this.#act(engineCalls.stopContainer, { subject: id, timeout }).catch(this.#ignoreGone);
  }

  /** Removes a container that does not run; fine where it is gone. */
  async removeContainer(id: string): Promise<void> {
    await this.#act(engineCalls.removeContainer, { subject: id }).catch(this.#ignoreGone);
  }

  /** Events of containers with these labels from now on, until the signal; ends where the engine ends it. */
  async *events(filters: readonly string[], signal: AbortSignal): AsyncGenerator<EngineEvent> {
    const query = { filters: JSON.stringify({ type: ['container'], label: filters }) };
    const response = await this.#open(engineCalls.events, { query, signal }).catch((error: unknown) => {
      throw error instanceof EngineRefusal ? this.#unavailable(error) : error;
    });
    for await (const line of this.#reading(linesOf(response), signal)) {
      yield this.#parsed(() => parseEvent(JSON.parse(line)));
    }
  }

  /** The container's log; ends with the container where it is followed. @throws EngineRefusal */
  async *logs(id: string, options: LogOptions): AsyncGenerator<LogEntry> {
    const query: Record<string, string> = { stdout: '1', stderr: '1', timestamps: '1' };
    if (options.follow) query.follow = '1';
    if (options.tail !== undefined) query.tail = String(options.tail);
    if (options.since !== undefined) query.since = unixTime(options.since);
    const response = await this.#open(engineCalls.containerLogs, { subject: id, query, signal: options.signal });
    yield* this.#reading(readLogEntries(response as AsyncIterable<Buffer>, options.tty), options.signal);
  }

  async #ask<T>(call: EngineCall, options: CallOptions, parse: (value: unknown) => T): Promise<T> {
    try {
      const text = await this.#exchange(call, options);
      return this.#parsed(() => parse(JSON.parse(text)));
    } catch (error) {
      // A question that is refused with anything but "no such" means that the engine does not work.
      if (error instanceof EngineRefusal && error.status !== 404) throw this.#unavailable(error);
      throw error;
    }
  }

  async #find<T>(call: EngineCall, options: CallOptions, parse: (value: unknown) => T): Promise<T | undefined> {
    try {
      return await this.#ask(call, options, parse);
    } catch (error) {
      if (error instanceof EngineRefusal) return undefined;
      throw error;
    }
  }

  async #act(call: EngineCall, options: CallOptions): Promise<void> {
    await this.#exchange(call, options);
  }

  /** Sends and reads the whole answer within the timeout. */
  async #exchange(call: EngineCall, options: CallOptions): Promise<string> {
    const limit = AbortSignal.timeout(options.timeout ?? this.#timeout);
    const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
    try {
      return await textOf(await this.#open(call, { ...options, signal }));
    } catch (error) {
      if (options.signal?.aborted) throw options.signal.reason;
      if (limit.aborted) throw this.#unavailable(new Error('no answer in time', { cause: error }));
      throw this.#wrapped(error);
    }
  }

  /** Sends; resolves with the head of the answer. @throws EngineRefusal for a status of 400 and up */
  async #open(call: EngineCall, options: CallOptions): Promise<IncomingMessage> {
    const response = await this.#dial(call, options).catch((error: unknown) => {
      throw options.signal?.aborted ? options.signal.reason : this.#wrapped(error);
    });
    const status = response.statusCode ?? 0;
    if (status < 400) return response;
    const text = await textOf(response).catch((error: unknown) => {
      throw this.#wrapped(error);
    });
    throw new EngineRefusal(status, messageOf(text));
  }

  #dial(call: EngineCall, options: CallOptions): Promise<IncomingMessage> {
    const subject = (options.subject ?? '').split('/').map(encodeURIComponent).join('/');
    const path = call.path.replace(/\{\w+\}/, () => subject);
    const dial = {
      method: call.method,
      // dockerode appends the query only where the path ends in a question mark.
      path: options.query === undefined ? path : `${path}?`,
      ...(options.query === undefined ? {} : { options: { _query: options.query } }),
      ...(options.signal === undefined ? {} : { abortSignal: options.signal }),
      isStream: true,
      statusCodes: everyStatus,
    };
    return new Promise((resolve, reject) => {
      this.#docker.modem.dial(dial, (error: unknown, response: unknown) => {
        if (error === null || error === undefined) resolve(response as IncomingMessage);
        else reject(error);
      });
    });
  }

  async *#reading<T>(items: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
    try {
      yield* items;
    } catch (error) {
      throw signal?.aborted ? signal.reason : this.#wrapped(error);
    }
  }

  #parsed<T>(parse: () => T): T {
    try {
      return parse();
    } catch (error) {
      throw this.#unavailable(error instanceof SyntaxError ? new MalformedAnswer(error.message) : error);
    }
  }

  #wrapped(error: unknown): unknown {
    return error instanceof Failure || error instanceof EngineRefusal ? error : this.#unavailable(error);
  }

  readonly #ignoreGone = (error: unknown): void => {
    if (!(error instanceof EngineRefusal)) throw error;
    if (error.status !== 404) throw this.#unavailable(error);
  };

  #unavailable(cause: unknown): Failure<'docker-unavailable'> {
    const reason = cause instanceof EngineRefusal ? `HTTP ${cause.status}: ${cause.message}` : reasonOf(cause);
    const details = { what: 'engine-lost', reason, tried: [formatAddress(this.#address)] } as const;
    return new Failure('docker-unavailable', details, { cause });
  }
}

/** The engine takes `since` as seconds with nine decimals only. */
function unixTime(time: string): string {
  const [, whole = '', decimals = ''] = /^([^.Z]+)(?:\.(\d+))?Z$/.exec(time) ?? [];
  return `${Date.parse(`${whole}Z`) / 1000}.${decimals.padEnd(9, '0')}`;
}
