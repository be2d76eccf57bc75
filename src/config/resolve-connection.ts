import type { Tls } from '../core/project.ts';
import { resolveTls } from './resolve-tls.ts';
import type { ServerUrl } from './server-url.ts';
import { parseServerUrl } from './server-url.ts';
import type { Variables } from './variables.ts';

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
  /** HOME, SSL_CERT_FILE and NODE_EXTRA_CA_CERTS say where certificates are that the URL does not name. */
  readonly env: Variables;
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
