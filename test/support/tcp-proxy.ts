import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** What happens to a query: `cut` before the server gets it, as soon as it was sent on, or when the server's answer comes. */
export type Verdict = 'pass' | 'cut' | 'cut-when-sent' | 'cut-at-answer';

export interface TcpProxy {
  readonly port: number;
  /** Asked for each query; `application` is the session's `application_name`. */
  judge: (query: { readonly application: string; readonly sql: string }) => Verdict;
  /** From now on nothing comes through any more, in either direction; connections stay open. */
  stall(): void;
  /** Ends the connections of sessions whose `application_name` matches. */
  cut(application: RegExp): void;
}

/** A network between orch and PostgreSQL that the test can break, message by message; ends with the test. */
export async function startTcpProxy(target: { readonly host: string; readonly port: number }): Promise<TcpProxy> {
  const links = new Set<Link>();
  let stalled = false;
  const server = createServer((client) => {
    const link = new Link(client, connect(target.port, target.host), (query) => proxy.judge(query));
    links.add(link);
    if (stalled) link.stall();
    client.once('close', () => links.delete(link));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    judge: () => 'pass',
    stall: () => {
      stalled = true;
      for (const link of links) link.stall();
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

/** One client's connection; reads its messages as PostgreSQL's protocol frames them (manual, 54.2). */
class Link {
  application = '';
  readonly #client: Socket;
  readonly #server: Socket;
  readonly #judge: TcpProxy['judge'];
  #started = false;
  #awaitsCut = false;
  #received = Buffer.alloc(0);

  constructor(client: Socket, server: Socket, judge: TcpProxy['judge']) {
    this.#client = client;
    this.#server = server;
    this.#judge = judge;
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on('data', (chunk: Buffer) => this.#fromClient(chunk));
    server.on('data', (chunk: Buffer) => {
      if (this.#awaitsCut) this.cut();
      else client.write(chunk);
    });
    // Either side's end is the other's.
    for (const socket of [client, server]) socket.on('error', () => this.cut());
    client.once('close', () => this.cut());
    server.once('close', () => this.cut());
  }

  stall(): void {
    this.#client.pause();
    this.#server.pause();
  }

  cut(): void {
    this.#client.destroy();
    this.#server.destroy();
  }

  #fromClient(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (let frame = this.#next(); frame !== undefined; frame = this.#next()) {
      const verdict = this.#started ? this.#verdict(frame) : this.#open(frame);
      if (verdict === 'cut') {
        this.cut();
        return;
      }
      if (verdict === 'cut-at-answer') this.#awaitsCut = true;
      // The socket is ended, not destroyed: what was written before goes out.
      if (verdict === 'cut-when-sent') this.#server.end(frame, () => this.#client.destroy());
      else this.#server.write(frame);
    }
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
    return this.#judge({ application: this.application, sql: frame.subarray(5).toString().replaceAll('\0', '') });
  }
}
