import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/**
 * What happens to a query: the connection is cut before the server gets it, as soon as it was sent on, when the server's
 * answer comes, or in the middle of that; it is sent on and cut on the client's side alone, so that the server does not
 * notice; from it on nothing comes through; or it comes later, by so many ms.
 */
export type Verdict =
  | 'pass'
  | 'cut'
  | 'cut-when-sent'
  | 'cut-at-answer'
  | 'cut-in-answer'
  | 'lose-client'
  | 'stall'
  | { readonly delay: number };

export interface TcpProxy {
  readonly port: number;
  /** Asked for each query; `application` is the session's `application_name`. */
  judge: (query: { readonly application: string; readonly sql: string }) => Verdict;
  /** Which process id a session is told at log-in (BackendKeyData) in place of its backend's. */
  key: (pid: number) => number;
  /** Called just before an answer is kept back, by `cut-at-answer` and `cut-in-answer`. */
  onAnswer: () => void;
  /** From now on nothing comes through any more, in either direction; connections stay open. */
  stall(): void;
  /** The same for the connections that there are; new ones get through. */
  stallOpen(): void;
  /** The same for the connections to come; those that there are stay as they are. */
  stallNew(): void;
  /** Ends the connections of sessions whose `application_name` matches. */
  cut(application: RegExp): void;
}

/** A network between orch and PostgreSQL that the test can break, message by message; ends with the test. */
export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const links = new Set<Link>();
  let stalled = false;
  const server = createServer((client) => {
    const link = new Link(client, connect(target.port, target.host), {
      judge: (query) => proxy.judge(query),
      onAnswer: () => proxy.onAnswer(),
      key: (pid) => proxy.key(pid),
    });
    links.add(link);
    if (stalled) link.stall();
    link.onEnd(() => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    judge: () => 'pass',
    key: (pid) => pid,
    onAnswer: () => undefined,
    stall: () => {
      stalled = true;
      for (const link of links) link.stall();
    },
    stallOpen: () => {
      for (const link of links) link.stall();
    },
    stallNew: () => {
      stalled = true;
    },
    cut: (application) => {
      for (const link of links) if (application.test(link.application)) link.cut();
    },
  };
  onTestFinished(() => {
    for (const link of links) link.cut();
    server.close();
  });
  return proxy;
}

type LinkHooks = Pick<TcpProxy, 'judge' | 'key' | 'onAnswer'>;

/** One client's connection; reads its messages as PostgreSQL's protocol frames them (manual, 54.2). */
class Link {
  application = '';
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #hooks: LinkHooks;
  #started = false;
  #awaited: 'cut-at-answer' | 'cut-in-answer' | undefined;
  #stalled = false;
  #keyed = false;
  #keepsServer = false;
  #received = Buffer.alloc(0);

  constructor(client: Socket, server: Socket, hooks: LinkHooks) {
    this.#client = client;
    this.#server = server;
    this.#hooks = hooks;
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk));
    server.on('data', (chunk: Buffer) => this.#fromServer(chunk));
    // Either side's end is the other's.
    for (const socket of [client, server]) socket.on('error', () => this.cut());
    client.once('close', () => {
      if (!this.#keepsServer) this.cut();
    });
    server.once('close', () => this.cut());
  }

  /** Both sides are closed. */
  onEnd(end: () => void): void {
    this.#server.once('close', end);
  }

  stall(): void {
    this.#stalled = true;
    this.#client.pause();
    this.#server.pause();
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #fromServer(chunk: Buffer): void {
    if (this.#keepsServer) return;
    if (this.#awaited === undefined) {
      this.#client.write(this.#withKey(chunk));
      return;
    }
    this.#hooks.onAnswer();
    if (this.#awaited === 'cut-at-answer') this.cut();
    else this.#client.end(chunk.subarray(0, Math.ceil(chunk.length / 2)), () => this.cut());
  }

  /** A BackendKeyData message is 13 bytes: `K`, 12, process id, key; it comes in one piece with the rest of the log-in. */
  #withKey(chunk: Buffer): Buffer {
    const at = this.#keyed ? -1 : chunk.indexOf(Buffer.from([0x4b, 0, 0, 0, 12]));
    if (at < 0 || chunk.length < at + 13) return chunk;
    this.#keyed = true;
    chunk.writeInt32BE(this.#hooks.key(chunk.readInt32BE(at + 5)), at + 5);
    return chunk;
  }

  #fromClient(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let frame = this.#next(); frame !== undefined && !this.#stalled; frame = this.#next()) {
      const verdict = this.#started ? this.#verdict(frame) : this.#open(frame);
      if (!this.#pass(frame, verdict)) return;
    }
  }

  /** @returns false: what comes behind the frame does not follow it now */
  #pass(frame: Buffer, verdict: Verdict): boolean {
    if (verdict === 'cut') this.cut();
    else if (verdict === 'stall') this.stall();
    else if (typeof verdict === 'object') this.#passLater(frame, verdict.delay);
    else {
      if (verdict === 'cut-at-answer' || verdict === 'cut-in-answer') this.#awaited = verdict;
      if (verdict === 'lose-client') {
        this.#keepsServer = true;
        this.#server.write(frame);
        this.#client.destroy();
      } else if (verdict === 'cut-when-sent') this.#server.end(frame, () => this.#client.destroy());
      else this.#server.write(frame);
      return true;
    }
    return false;
  }

  #passLater(frame: Buffer, delay: number): void {
    this.#client.pause();
    setTimeout(() => {
      if (this.#stalled || this.#server.destroyed) return;
      this.#server.write(frame);
      this.#client.resume();
      this.#fromClient(Buffer.alloc(0));
    }, delay);
  }

  #next(): Buffer | undefined {
    const offset = this.#started ? 1 : 0;
    if (this.#received.length < offset + 4) return undefined;
    const length = offset + this.#received.readInt32BE(offset);
    if (this.#received.length < length) return undefined;
    const frame = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return frame;
  }

  /** An SSLRequest is 8 bytes long and is followed by the start-up message. */
  #open(frame: Buffer): Verdict {
    if (frame.length === 8) return 'pass';
    this.#started = true;
    const texts = frame.subarray(8).toString().split('\0');
    this.application = texts[texts.indexOf('application_name') + 1] ?? '';
    return 'pass';
  }

  #verdict(frame: Buffer): Verdict {
    const type = String.fromCharCode(frame[0] ?? 0);
    if (type !== 'Q' && type !== 'P') return 'pass';
    return this.#hooks.judge({ application: this.application, sql: frame.subarray(5).toString().replaceAll('\0', '') });
  }
}
