import type { SslMode } from '../core/project.ts';
import { hintForUnknown, isExistingIdentifier } from './identifier.ts';

/** The parts of a connection URL, percent-decoded; undefined: the URL doesn't say. */
export interface ServerUrl {
  readonly host: string;
  readonly port: number;
  readonly role: string | undefined;
  readonly password: string | undefined;
  readonly database: string | undefined;
  readonly sslmode: SslMode | undefined;
  /** Paths as written. */
  readonly sslrootcert: string | undefined;
  readonly sslcert: string | undefined;
  readonly sslkey: string | undefined;
  /** `allowPooler=true`: ours, where a URL is all that there is to say it with. */
  readonly allowPooler: boolean;
}

/** What is wrong with a URL. No text of it is repeated but names that cannot be part of a password. */
interface UrlFault {
  readonly message: string;
  readonly hint: string | undefined;
}

export type ParsedUrl = { readonly url: ServerUrl } | { readonly faults: readonly UrlFault[] };

const MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'] as const;
const QUERY_KEYS = ['sslmode', 'sslrootcert', 'sslcert', 'sslkey', 'host', 'port', 'allowPooler'];

/** libpq's scheme, with the driver that SQLAlchemy writes after a `+` (`postgresql+psycopg://`): it says nothing to us. */
const URL_PARTS =
  /^(?:postgres|postgresql)(?:\+[a-z0-9_]+)?:\/\/(?:([^@/?#]*)@)?([^@/?#]*)(?:\/([^@?#]*))?(?:\?([^@#]*))?$/i;

const EXAMPLE = 'Write it as postgresql://role@host:5432/database.';

/**
 * A connection URL in any form of libpq and SQLAlchemy. Read by a pattern of our own: `new URL` keeps the whole text,
 * password and all, in the error that it throws.
 */
export function parseServerUrl(text: string): ParsedUrl {
  const match = URL_PARTS.exec(text);
  if (match === null) return { faults: [explainMismatch(text)] };
  const faults: UrlFault[] = [];
  const refuse = (message: string, hint?: string): undefined => {
    faults.push({ message, hint });
    return undefined;
  };
  const query = readQuery(match[4] ?? '', refuse);
  const [role, password] = readUser(match[1], refuse);
  const { host, port } = readAddress(match[2] ?? '', query, refuse);
  const database = decode(match[3] ?? '', 'database', refuse);
  if (database !== undefined && !isExistingIdentifier(database))
    refuse('the database name in the URL is not one that is taken');
  const sslmode = readMode(query.get('sslmode'), refuse);
  const paths = { sslrootcert: query.get('sslrootcert'), sslcert: query.get('sslcert'), sslkey: query.get('sslkey') };
  const allowPooler = query.get('allowPooler') ?? 'false';
  if (!/^(?:true|false)$/.test(allowPooler)) refuse('allowPooler in the URL is neither true nor false');
  if (faults.length > 0) return { faults };
  return { url: { host, port, role, password, database, sslmode, ...paths, allowPooler: allowPooler === 'true' } };
}

type Refuse = (message: string, hint?: string) => undefined;

function explainMismatch(text: string): UrlFault {
  if (!/^postgres(?:ql)?(?:\+[a-z0-9_]+)?:\/\//i.test(text)) {
    return { message: 'this is no PostgreSQL connection URL', hint: EXAMPLE };
  }
  return {
    message: 'the URL cannot be taken apart',
    hint: 'In a role or password, write @ as %40, : as %3A, / as %2F, ? as %3F and # as %23; or use passwordFile.',
  };
}

function decode(text: string, what: string, refuse: Refuse): string | undefined {
  if (text === '') return undefined;
  try {
    const decoded = decodeURIComponent(text);
    return decoded.includes('\0') ? refuse(`the ${what} in the URL has a NUL character`) : decoded;
  } catch {
    return refuse(`the ${what} in the URL has a % that no two hex digits follow`, 'Write a % as %25.');
  }
}

function readUser(text: string | undefined, refuse: Refuse): readonly [string | undefined, string | undefined] {
  if (text === undefined) return [undefined, undefined];
  const colon = text.indexOf(':');
  const role = decode(colon < 0 ? text : text.slice(0, colon), 'role', refuse);
  const password = colon < 0 ? undefined : decode(text.slice(colon + 1), 'password', refuse);
  if (role !== undefined && !isExistingIdentifier(role)) refuse('the role in the URL is not one that is taken');
  if (role === undefined && password !== undefined) refuse('the URL has a password and no role', EXAMPLE);
  return [role, password];
}

function readQuery(text: string, refuse: Refuse): ReadonlyMap<string, string> {
  const query = new Map<string, string>();
  for (const part of text === '' ? [] : text.split('&')) {
    const [rawKey = '', ...rest] = part.split('=');
    const key = decode(rawKey, 'query', refuse) ?? '';
    const value = decode(rest.join('='), 'query', refuse);
    if (!QUERY_KEYS.includes(key)) refuseParameter(key, refuse);
    else if (query.has(key)) refuse(`the parameter '${key}' stands twice in the URL`);
    else if (value === undefined) refuse(`the parameter '${key}' in the URL has no value`);
    else query.set(key, value);
  }
  return query;
}

function refuseParameter(key: string, refuse: Refuse): void {
  const shown = /^\w{1,30}$/.test(key) ? ` '${key}'` : '';
  refuse(`unknown parameter${shown} in the URL`, hintForUnknown(key, QUERY_KEYS));
}

/** As with libpq, `?host=` and `?port=` win over what stands before the path: Unix sockets can be named only so. */
function readAddress(
  text: string,
  query: ReadonlyMap<string, string>,
  refuse: Refuse,
): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::([^:]*))?$/.exec(text);
  if (match === null) {
    refuse('the host in the URL cannot be read', 'Write an IPv6 address in brackets: [::1].');
    return { host: '', port: 0 };
  }
  const [, address, name, port = ''] = match;
  const host = query.get('host') ?? decode(address ?? name ?? '', 'host', refuse) ?? 'localhost';
  if (host.includes(',')) refuse('the URL names more than one host', 'Name the primary.');
  else if (!isHost(host)) refuse('the host in the URL is no host name, address or socket folder');
  return { host, port: readPort(query.get('port') ?? (port === '' ? '5432' : port), refuse) };
}

function readPort(text: string, refuse: Refuse): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65_535) refuse('the port in the URL is no number from 1 to 65535');
  return port;
}

function isHost(host: string): boolean {
  if (host.length > 253) return false;
  if (host.startsWith('/')) return !/\p{C}/u.test(host);
  return (
    /^[A-Za-z0-9_](?:[A-Za-z0-9._-]*[A-Za-z0-9_.])?$/.test(host) || /^[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%\w+)?$/.test(host)
  );
}

function readMode(value: string | undefined, refuse: Refuse): SslMode | undefined {
  const mode = MODES.find((one) => one === value);
  if (value !== undefined && mode === undefined) refuse(`the sslmode in the URL is none of ${MODES.join(', ')}`);
  return mode;
}

/** True for Unix sockets and addresses that lead to this machine. */
export function isLoopback(host: string): boolean {
  return host.startsWith('/') || /^(?:localhost|127(?:\.\d{1,3}){3}|::1|0:0:0:0:0:0:0:1)$/i.test(host);
}

/**
 * The mode where the URL names none. libpq's `prefer` suits what no stranger can stand in between: this machine, and
 * names of one label, which are services of a Compose network and rarely have a certificate. To anything else `prefer`
 * would hand the password to whoever answers, so there it is `verify-full`.
 */
export function defaultSslMode(host: string): SslMode {
  return isLoopback(host) || !/[.:]/.test(host) ? 'prefer' : 'verify-full';
}
