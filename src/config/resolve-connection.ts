import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Tls } from '../core/project.ts';
import { describeReadError } from './secret.ts';
import type { ServerUrl } from './server-url.ts';
import { defaultSslMode, parseServerUrl } from './server-url.ts';

/** A server's address with its certificates. */
export interface Connection {
  readonly url: ServerUrl;
  readonly tls: Tls;
}

/** A URL, where the paths in it begin, and whom to tell what is wrong with it. */
export interface UrlSource {
  readonly text: string;
  /** Absolute. */
  readonly folder: string;
  readonly refuse: (message: string, hint?: string) => undefined;
  readonly secrets: Set<string>;
}

/** A URL -> address and certificates; undefined: it was refused. */
export function resolveConnection(source: UrlSource): Connection | undefined {
  const parsed = parseServerUrl(source.text);
  if ('faults' in parsed) {
    for (const { message, hint } of parsed.faults) source.refuse(message, hint);
    return undefined;
  }
  const { url } = parsed;
  if (url.password !== undefined) {
    source.secrets.add(url.password);
    // As it stands in the URL: that form may turn up in other programs' output.
    source.secrets.add(/:\/\/[^:@]*:([^@]*)@/.exec(source.text)?.[1] ?? url.password);
  }
  const tls = resolveTls(source, url);
  return tls && { url, tls };
}

/** `sslrootcert=system` trusts what the machine trusts; libpq then takes no weaker mode than `verify-full`. */
function resolveTls(source: UrlSource, url: ServerUrl): Tls | undefined {
  const isSystem = url.sslrootcert === 'system';
  const mode = url.sslmode ?? (isSystem ? 'verify-full' : defaultSslMode(url.host));
  if (isSystem && mode !== 'verify-full') return source.refuse('sslrootcert=system asks for sslmode=verify-full');
  if ((url.sslcert === undefined) !== (url.sslkey === undefined)) {
    return source.refuse(
      `the URL has ${url.sslcert === undefined ? 'sslkey without sslcert' : 'sslcert without sslkey'}`,
    );
  }
  return {
    mode,
    rootCertificate: isSystem ? undefined : resolveFile(source, 'sslrootcert', url.sslrootcert),
    certificate: resolveFile(source, 'sslcert', url.sslcert),
    key: resolveFile(source, 'sslkey', url.sslkey),
  };
}

function resolveFile(source: UrlSource, parameter: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const absolute = resolve(source.folder, path);
  try {
    if (!statSync(absolute).isFile()) return source.refuse(`the file that ${parameter} names is not a regular file`);
  } catch (error) {
    return source.refuse(`the file that ${parameter} names ${describeReadError(error)}`);
  }
  return absolute;
}
