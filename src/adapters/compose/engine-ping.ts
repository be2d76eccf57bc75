import { request as requestPlain } from 'node:http';
import { type RequestOptions, request as requestTls } from 'node:https';
import type { EngineAddress } from './engine-address.ts';
import { engineCalls } from './engine-calls.ts';

/**
 * Asks an address whether a Docker engine answers there, without loading dockerode.
 * @param timeout in ms; also ends an engine that accepts and then says nothing
 * @returns undefined when it does, else the reason why not
 */
export async function pingEngine(address: EngineAddress, timeout: number): Promise<string | undefined> {
  const signal = AbortSignal.timeout(timeout);
  try {
    const { status, body } = await ask(address, signal);
    if (status !== 200) return `it answers HTTP ${status}`;
    return body.trim() === 'OK' ? undefined : 'what answers there is no Docker engine';
  } catch (error) {
    if (signal.aborted) return `no answer within ${timeout} ms`;
    return reasonOf(error);
  }
}

function ask(address: EngineAddress, signal: AbortSignal): Promise<{ status: number; body: string }> {
  const { method, path } = engineCalls.ping;
  // A connection of its own: a kept-alive one would hold the process open.
  const common: RequestOptions = { method, path, signal, agent: false };
  return new Promise((resolve, reject) => {
    const request =
      address.kind === 'socket'
        ? requestPlain({ ...common, socketPath: address.path })
        : address.tls === undefined
          ? requestPlain({ ...common, host: address.host, port: address.port })
          : requestTls({ ...common, host: address.host, port: address.port, ...address.tls });
    request.on('error', reject);
    request.on('response', (response) => {
      let body = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => {
        body = (body + chunk).slice(0, 100);
      });
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.end();
  });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no socket',
  ECONNREFUSED: 'nobody listens there',
  EACCES: 'this user may not use the socket',
  ENOTFOUND: 'the host does not resolve',
  ECONNRESET: 'the connection was closed before the answer was complete',
};

/** The reason in words for a connection that failed. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error ? String(error.code) : '';
  return reasons[code] ?? error.message;
}
