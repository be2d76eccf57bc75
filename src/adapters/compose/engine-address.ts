import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** PEM texts for an engine behind TLS. */
export interface EngineTls {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

/** Where an engine listens: a Unix socket (or Windows pipe), or a TCP port. */
export type EngineAddress =
  | { readonly kind: 'socket'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number; readonly tls: EngineTls | undefined };

/** The address as people write it, such as `unix:///var/run/docker.sock`. */
export function formatAddress(address: EngineAddress): string {
  return address.kind === 'socket' ? `unix://${address.path}` : `tcp://${address.host}:${address.port}`;
}

/**
 * Reads what may stand in DOCKER_HOST or in a docker context.
 * @returns the address, or the reason why it can't be used
 */
export function parseAddress(text: string, tls: EngineTls | undefined): EngineAddress | string {
  const [, scheme = 'tcp', rest = ''] = /^(?:(\w+):\/\/)?(.*)$/s.exec(text) ?? [];
  if (scheme === 'unix' || scheme === 'npipe') {
    return rest === '' ? 'it names no path' : { kind: 'socket', path: rest };
  }
  if (scheme === 'ssh') return 'ssh:// is not supported; forward the socket and set DOCKER_HOST to it';
  if (scheme !== 'tcp' && scheme !== 'http' && scheme !== 'https') return `unknown scheme ${scheme}://`;
  const parts = /^(\[[^\]]+\]|[^:/@\s]+)(?::(\d+))?\/?$/.exec(rest);
  if (parts?.[1] === undefined) return 'it is no host and port';
  const port = Number(parts[2] ?? (tls === undefined ? 2375 : 2376));
  return { kind: 'tcp', host: parts[1].replace(/^\[|\]$/g, ''), port, tls };
}

/**
 * Reads ca.pem, cert.pem and key.pem of a folder.
 * @returns the texts, or the reason why they can't be used
 */
export async function loadTls(folder: string): Promise<EngineTls | string> {
  try {
    const read = (name: string): Promise<string> => readFile(join(folder, name), 'utf8');
    const [ca, cert, key] = await Promise.all([read('ca.pem'), read('cert.pem'), read('key.pem')]);
    return { ca, cert, key };
  } catch (error) {
    return `its certificates can't be read: ${error instanceof Error ? error.message : String(error)}`;
  }
}
