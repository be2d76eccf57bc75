import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions, SecureContext, SecureContextOptions } from 'node:tls';
import type { Tls } from '../../core/project.ts';
import { DatabaseError, type Location } from '../../ports/database.ts';

/** One way to open a connection: `asks` true sends an SSLRequest; `must` false goes on in clear where the server says no. */
export interface Encryption {
  readonly asks: boolean;
  readonly must: boolean;
  /** Of the handshake. Made late: `node:tls` is loaded, and authorities are parsed, only where a server has TLS. */
  readonly options: () => ConnectionOptions;
}

const CLEAR: Encryption = { asks: false, must: false, options: () => ({}) };

/**
 * The ways to try, in order, with libpq's meaning of `sslmode` (manual, 32.19). `pg` gives prefer and require another
 * meaning (verify-full, to be changed in its next major version), so orch negotiates TLS itself.
 * `allow` and `require` with a root certificate check the chain like `verify-ca`, as libpq does. `prefer` does not, where
 * libpq goes on in clear if the chain does not fit: that gives the password to whoever could not show a certificate, and
 * everybody else on the way, while an unchecked chain gives it to the first of them at most.
 * @throws DatabaseError where a certificate or key file cannot be read
 */
export function encryptions(location: Location): readonly Encryption[] {
  const { tls, host } = location;
  // A Unix socket knows no TLS; libpq ignores sslmode there.
  if (tls.mode === 'disable' || host.startsWith('/')) return [CLEAR];
  const options = tlsOptions(tls, host);
  if (tls.mode === 'allow') return [CLEAR, { asks: true, must: true, options }];
  if (tls.mode === 'prefer') return [{ asks: true, must: false, options }, CLEAR];
  return [{ asks: true, must: true, options }];
}

function tlsOptions(tls: Tls, host: string): () => ConnectionOptions {
  const [ca, extra, cert, key] = [tls.rootCertificate, tls.extraCertificate, tls.certificate, tls.key].map(readPem);
  const checksName = tls.mode === 'verify-full';
  const checksChain = checksName || tls.mode === 'verify-ca' || (tls.mode !== 'prefer' && ca !== undefined);
  const files = {
    ...(ca !== undefined && { ca: extra === undefined ? ca : [ca, extra] }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
  return () => ({
    host,
    // RFC 6066 forbids an address as server name.
    ...(isIP(host) === 0 && { servername: host }),
    secureContext: contextFor(tls, files),
    rejectUnauthorized: checksChain,
    ...(!checksName && { checkServerIdentity: () => undefined }),
  });
}

/** One for all sessions: a machine trusts some 140 authorities, which take 20 ms to parse. */
const contexts = new WeakMap<Tls, SecureContext>();

function contextFor(tls: Tls, files: SecureContextOptions): SecureContext {
  const context = contexts.get(tls) ?? process.getBuiltinModule('node:tls').createSecureContext(files);
  contexts.set(tls, context);
  return context;
}

function readPem(path: string | undefined): Buffer | undefined {
  if (path === undefined) return undefined;
  try {
    return readFileSync(path);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new DatabaseError(`the certificate file ${path} cannot be read: ${reason}`, {
      sqlstate: 'F0000',
      connection: true,
      cause,
    });
  }
}
