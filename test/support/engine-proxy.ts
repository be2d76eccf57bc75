import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A Unix socket that passes everything on to the engine, and knows what was asked. */
export interface EngineProxy {
  readonly socket: string;
  /** Every request so far, as `POST /containers/0123…/start`, without API version and query. */
  readonly requests: readonly string[];
  /** From the first request that matches on, nothing is answered any more: the engine has gone away. */
  goAwayAt(request: RegExp): void;
  stop(): Promise<void>;
}

/** A request's first line. Neither side pipelines, and each writes the head at once: it starts a chunk of bytes. */
const requestLine = /^([A-Z]+) (?:\/v[\d.]+)?(\/[^ ?]*)\S* HTTP\/1\.1\r\n/;

/** @param engine path of the engine's own socket */
export async function startEngineProxy(engine: string): Promise<EngineProxy> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-proxy-'));
  const socket = join(folder, 'docker.sock');
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let end: RegExp | undefined;
  const server = createServer((client) => {
    const upstream = connect(engine);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      const [, method, path] = requestLine.exec(chunk.toString('latin1')) ?? [];
      if (method === undefined || path === undefined) return;
      requests.push(`${method} ${path}`);
      if (end?.test(`${method} ${path}`)) closeAll();
    });
    client.pipe(upstream);
    upstream.pipe(client);
  });
  const closeAll = (): void => {
    server.close();
    for (const each of sockets) each.destroy();
  };
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  // In a container the asking user is another one; folders made for one test are 0700.
  await Promise.all([chmod(socket, 0o666), chmod(folder, 0o755)]);
  return {
    socket,
    requests,
    goAwayAt(request) {
      end = request;
    },
    async stop() {
      closeAll();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
