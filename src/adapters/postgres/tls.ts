import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Tls } from '../../core/project.ts';
import { DatabaseError, type Location } from '../../ports/database.ts';

/** One way to open a connection: `asks` true sends an SSLRequest; `must` false goes on in clear where the server says no. */
export interface Encryption {
  readonly asks: boolean;
  readonly must: boolean;
  readonly options: ConnectionOptions;
}

const CLEAR: Encryption = { asks: false, must: false, options: {} };

/**
 * The ways to try, in order, with libpq's meaning of `sslmode` (manual, 32.19). `pg` gives prefer and require another
 * meaning (verify-full, to be changed in its next major version), so orch negotiates TLS itself.
 * `require` with a root certificate checks the chain like `verify-ca`, as libpq does.
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

function tlsOptions(tls: Tls, host: string): ConnectionOptions {
  const [ca, cert, key] = [tls.rootCertificate, tls.certificate, tls.key].map(readPem);
  const checksName = tls.mode === 'verify-full';
  const checksChain = checksName || tls.mode === 'verify-ca' || (tls.mode === 'require' && ca !== undefined);
  return {
    host,
    // RFC 6066 forbids an address as server name.
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    rejectUnauthorized: checksChain,
    ...(!checksName && { checkServerIdentity: () => undefined }),
  };
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
