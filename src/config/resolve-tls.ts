import { type Stats, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { platform } from 'node:process';
import type { SslMode, Tls } from '../core/project.ts';
import type { UrlSource } from './resolve-connection.ts';
import { describeReadError } from './secret.ts';
import { defaultSslMode, type ServerUrl } from './server-url.ts';

/** Where Debian, Fedora, SUSE, Alpine and the BSDs keep the authorities that the machine trusts. */
const BUNDLES = [
  '/etc/ssl/certs/ca-certificates.crt',
  '/etc/pki/tls/certs/ca-bundle.crt',
  '/etc/ssl/ca-bundle.pem',
  '/etc/ssl/cert.pem',
];

/**
 * A URL's `ssl…` parameters as libpq takes them (manual, 32.19): a file that is not named is looked for in
 * `~/.postgresql`; `verify-ca` and `verify-full` without an authority are refused, since whoever has any certificate of
 * a public authority would pass for the server; a key that others may read is refused. Unlike libpq, a URL without
 * `sslmode` to another machine is `verify-full`, with the machine's authorities where there is no `root.crt`.
 */
export function resolveTls(source: UrlSource, url: ServerUrl): Tls | undefined {
  const isSystem = url.sslrootcert === 'system';
  const mode = url.sslmode ?? (isSystem ? 'verify-full' : defaultSslMode(url.host));
  if (isSystem && mode !== 'verify-full') return source.refuse('sslrootcert=system asks for sslmode=verify-full');
  // Without TLS nothing is looked for that nobody has named.
  const home = mode === 'disable' || url.host.startsWith('/') ? undefined : source.env.HOME;
  const root = isSystem ? undefined : (resolveFile(source, 'sslrootcert', url.sslrootcert) ?? inHome(home, 'root.crt'));
  const own = resolveOwn(source, url, home);
  const trustsMachine = isSystem || (url.sslmode === undefined && mode === 'verify-full');
  if (root === undefined && !trustsMachine && checksAuthority(mode) && url.sslrootcert === undefined)
    return refuseUnchecked(source, mode);
  const trusted = root === undefined && trustsMachine ? machineRoots(source) : { rootCertificate: root };
  return own && { mode, ...trusted, ...own };
}

function checksAuthority(mode: SslMode): boolean {
  return mode === 'verify-ca' || mode === 'verify-full';
}

function refuseUnchecked(source: UrlSource, mode: SslMode): undefined {
  // libpq takes the machine's authorities with verify-full alone: with verify-ca any certificate of theirs would do.
  const system = mode === 'verify-full' ? ', or trust the authorities of this machine with sslrootcert=system' : '';
  return source.refuse(
    `there is nothing to check the server with: sslmode=${mode} asks for sslrootcert, and ~/.postgresql/root.crt does not exist`,
    `Name the file of its authority with sslrootcert=FILE${system}.`,
  );
}

/** What OpenSSL trusts, as libpq's `system` does; where the machine has no such file, those that Node brings. */
function machineRoots({ env }: UrlSource): Pick<Tls, 'rootCertificate' | 'extraCertificate'> {
  const rootCertificate = [env.SSL_CERT_FILE, ...BUNDLES].find((path) => path && findFile(path) !== undefined);
  const extra = env.NODE_EXTRA_CA_CERTS;
  return { rootCertificate, ...(rootCertificate && extra && findFile(extra) && { extraCertificate: extra }) };
}

/** The certificate that orch shows, and its key. */
function resolveOwn(
  source: UrlSource,
  url: ServerUrl,
  home: string | undefined,
): Pick<Tls, 'certificate' | 'key'> | undefined {
  const [ownCertificate, ownKey] = [inHome(home, 'postgresql.crt'), inHome(home, 'postgresql.key')];
  const certificate = resolveFile(source, 'sslcert', url.sslcert) ?? ownCertificate;
  const key = resolveFile(source, 'sslkey', url.sslkey) ?? ownKey;
  if (certificate === undefined || key === undefined) {
    const missing = url.sslcert === undefined ? 'sslkey without sslcert' : 'sslcert without sslkey';
    const isHalf = (url.sslcert === undefined) !== (url.sslkey === undefined);
    // One of the two in the home folder alone is nothing yet; who needs it is asked for it by the server.
    return isHalf ? source.refuse(`the URL has ${missing}`) : { certificate: undefined, key: undefined };
  }
  return isOpen(key) ? refuseOpenKey(source, key) : { certificate, key };
}

/** libpq's rule: 0600, or 0640 where root owns it. Windows says nothing of the kind about files. */
function isOpen(path: string): boolean {
  const { uid, mode } = statSync(path);
  return platform !== 'win32' && (mode & (uid === 0 ? 0o037 : 0o077)) !== 0;
}

function refuseOpenKey(source: UrlSource, path: string): undefined {
  const mode = (statSync(path).mode & 0o777).toString(8).padStart(4, '0');
  const hint = `Let its owner alone read it: chmod 600 ${path}`;
  return source.refuse(`the private key ${path} may be read by others than its owner (its mode is ${mode})`, hint);
}

/** The absolute path; undefined: it is not named, or was refused. */
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

function inHome(home: string | undefined, name: string): string | undefined {
  if (!home) return undefined;
  const path = join(home, '.postgresql', name);
  return findFile(path) && path;
}

function findFile(path: string): Stats | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true ? found : undefined;
}
