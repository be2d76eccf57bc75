import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Failure, type FailureCode, type FailureDetails } from '../../core/failure.ts';
import type { Service } from '../../core/project.ts';

/** What another orch process may ask of the holder. Each acts on services as that process's config has them. */
export interface ControlActions {
  /** Opens the databases that are not open yet; gives how many were opened. */
  'start-databases': (services: readonly Service[]) => Promise<number>;
  'recreate-database': (services: readonly Service[]) => Promise<number>;
  /** Closes these databases and deletes their data. */
  'discard-database': (services: readonly Service[]) => Promise<number>;
  'start-service': (services: readonly Service[]) => Promise<number>;
  'replace-service': (services: readonly Service[]) => Promise<number>;
  'stop-service': (services: readonly Service[]) => Promise<number>;
  /** Stops these services and closes their databases. */
  'close-databases': (services: readonly Service[]) => Promise<number>;
  /** Asks the holder to stop everything and end; answered before it does. */
  leave: (services: readonly Service[]) => Promise<number>;
}

export type ControlAction = keyof ControlActions;

/** Where a holder is asked, and with what token. */
export interface ControlAddress {
  readonly port: number;
  readonly token: string;
}

/** The holder's side. */
export interface ControlServer extends ControlAddress {
  close(): Promise<void>;
}

/** Bytes: the longest request that is read. */
const longestBody = 1024 * 1024;

/** Serves the actions on a loopback port of the system's choice, to whoever has the token. */
export async function serveControl(actions: ControlActions): Promise<ControlServer> {
  const token = randomBytes(32).toString('hex');
  const server = createServer((request, response) => {
    void answer(actions, token, request).then(
      (result) => reply(response, result.status, result.body),
      (error: unknown) => reply(response, 500, { message: error instanceof Error ? error.message : String(error) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: '127.0.0.1', port: 0, exclusive: true }, () => resolve());
  });
  return { port: (server.address() as AddressInfo).port, token, close: () => closeServer(server) };
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

async function answer(actions: ControlActions, token: string, request: IncomingMessage): Promise<Answer> {
  if (!hasToken(request.headers.authorization, token)) return { status: 401, body: { message: 'not allowed' } };
  const name = (request.url ?? '').slice(1);
  if (request.method !== 'POST' || !isAction(actions, name))
    return { status: 404, body: { message: 'no such action' } };
  const services = JSON.parse(await readBody(request)) as readonly Service[];
  try {
    return { status: 200, body: { count: await actions[name](services) } };
  } catch (error) {
    if (error instanceof Failure) return { status: 409, body: { code: error.code, details: error.details } };
    throw error;
  }
}

function isAction(actions: ControlActions, name: string): name is ControlAction {
  return Object.hasOwn(actions, name);
}

function hasToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > longestBody) throw new Error('request too long');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function reply(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json', connection: 'close' });
  response.end(JSON.stringify(body));
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/** The holder ended, or never was there: nothing answers at its address. */
export class HolderGone extends Error {
  constructor(cause: unknown) {
    super('the orch process that holds the local runtime does not answer', { cause });
    this.name = 'HolderGone';
  }
}

/**
 * Asks the holder.
 * @returns what the action counted
 * @throws Failure the very failure that the holder met; HolderGone where nobody answers
 */
export async function askHolder(
  address: ControlAddress,
  action: ControlAction,
  services: readonly Service[],
  signal?: AbortSignal,
): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${address.port}/${action}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${address.token}`, 'content-type': 'application/json' },
    body: JSON.stringify(services),
    ...(signal === undefined ? {} : { signal }),
  }).catch((error: unknown) => {
    if (signal?.aborted === true) throw signal.reason;
    throw new HolderGone(error);
  });
  const body = (await response.json()) as {
    count?: number;
    code?: FailureCode;
    details?: FailureDetails[FailureCode];
    message?: string;
  };
  if (response.status === 200) return body.count ?? 0;
  if (response.status === 409 && body.code !== undefined && body.details !== undefined)
    throw new Failure(body.code, body.details);
  throw new HolderGone(new Error(`status ${response.status}: ${body.message ?? ''}`));
}
