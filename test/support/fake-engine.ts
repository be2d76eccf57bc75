import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FoundEngine } from '../../src/adapters/compose/find-engine.ts';

/** Answers one request of a fake engine. */
export type FakeAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** An HTTP server on a Unix socket that plays a Docker engine, or a broken one. */
export interface FakeEngine {
  readonly socket: string;
  readonly engine: FoundEngine;
  /** Every request so far, as `GET /containers/json`, without the query. */
  readonly requests: readonly string[];
  /** What answers from now on. */
  answer(next: FakeAnswer): void;
  stop(): Promise<void>;
}

export async function startFakeEngine(answer: FakeAnswer): Promise<FakeEngine> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-engine-'));
  const socket = join(folder, 'docker.sock');
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  let current = answer;
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${(request.url ?? '').split('?')[0]}`);
    current(request, response);
  });
  server.on('connection', (connection) => {
    sockets.add(connection);
    connection.on('close', () => sockets.delete(connection));
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    engine: {
      address: { kind: 'socket', path: socket },
      how: 'test',
      environment: { DOCKER_HOST: `unix://${socket}` },
    },
    requests,
    answer(next) {
      current = next;
    },
    async stop() {
      for (const connection of sockets) connection.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The ways in which an engine is broken, by name. */
export const brokenAnswers = {
  'answers 500': (_request, response) => {
    response.writeHead(500, { 'content-type': 'application/json' }).end('{"message":"kaputt"}');
  },
  'accepts and never answers': () => {},
  'closes within the answer': (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
    response.write('[{"Id":', () => response.destroy());
  },
  'closes without an answer': (request) => {
    request.socket.destroy();
  },
  'answers no JSON': (_request, response) => {
    response.writeHead(200).end('<html>hello</html>');
  },
  'answers JSON of another shape': (_request, response) => {
    response.writeHead(200).end('{"containers":42}');
  },
} as const satisfies Readonly<Record<string, FakeAnswer>>;

/** An engine with these routes; whatever else is asked is 404. */
export function routes(table: Readonly<Record<string, FakeAnswer | object>>): FakeAnswer {
  return (request, response) => {
    const route = table[`${request.method} ${(request.url ?? '').split('?')[0]}`];
    if (typeof route === 'function') return (route as FakeAnswer)(request, response);
    if (route === undefined) return void response.writeHead(404).end('{"message":"no such thing"}');
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(route));
  };
}
