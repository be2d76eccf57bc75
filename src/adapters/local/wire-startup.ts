import { WireError } from './wire-frames.ts';

/** What a client asks for in an untyped message that opens a connection. */
export type StartupRequest =
  | { readonly kind: 'encryption' }
  | { readonly kind: 'cancel' }
  | {
      readonly kind: 'session';
      readonly user: string;
      readonly database: string;
      /** Settings for the session: from `options` and from parameters that name a setting. */
      readonly settings: readonly (readonly [name: string, value: string])[];
      /** True: the client speaks a later 3.x and has to be told that 3.0 is what it gets. */
      readonly newer: boolean;
      /** Protocol options (`_pq_.…`) that are not known here. */
      readonly unknownOptions: readonly string[];
    };

const sslRequest = 80_877_103;
const gssRequest = 80_877_104;
const cancelRequest = 80_877_102;

/**
 * Reads the message that opens a connection.
 * @throws WireError where it is none that PostgreSQL 18 takes, or asks for replication
 */
export function parseStartup(bytes: Buffer): StartupRequest {
  if (bytes.length < 8) throw new WireError('08P01', 'invalid length of startup packet');
  const code = bytes.readInt32BE(4);
  if (code === sslRequest || code === gssRequest) return { kind: 'encryption' };
  if (code === cancelRequest) return { kind: 'cancel' };
  const major = code >>> 16;
  if (major !== 3) throw new WireError('0A000', `unsupported frontend protocol ${major}.${code & 0xffff}`);
  const parameters = readParameters(bytes.subarray(8));
  const user = parameters.get('user');
  if (user === undefined || user === '')
    throw new WireError('28000', 'no PostgreSQL user name specified in startup packet');
  if ((parameters.get('replication') ?? 'false') !== 'false') {
    throw new WireError('0A000', 'replication connections are not available in the local runtime');
  }
  const unknownOptions = [...parameters.keys()].filter((name) => name.startsWith('_pq_.'));
  return {
    kind: 'session',
    user,
    database: parameters.get('database') ?? user,
    settings: [...parseOptions(parameters.get('options') ?? ''), ...namedSettings(parameters)],
    newer: (code & 0xffff) > 0 || unknownOptions.length > 0,
    unknownOptions,
  };
}

function readParameters(body: Buffer): ReadonlyMap<string, string> {
  const texts = body.toString('utf8').split('\0');
  const parameters = new Map<string, string>();
  for (let index = 0; index + 1 < texts.length; index += 2) {
    const name = texts[index] ?? '';
    if (name === '') break;
    parameters.set(name, texts[index + 1] ?? '');
  }
  return parameters;
}

const notSettings = new Set(['user', 'database', 'options', 'replication']);

function namedSettings(parameters: ReadonlyMap<string, string>): (readonly [string, string])[] {
  return [...parameters].filter(
    ([name, value]) => !notSettings.has(name) && !name.startsWith('_pq_.') && !isUtf8(name, value),
  );
}

/** PGlite speaks UTF-8 alone and says so; clients name it in several ways (`utf-8`, `'utf-8'`, `UNICODE`). */
function isUtf8(name: string, value: string): boolean {
  return name === 'client_encoding' && /^'?(utf-?8|unicode)'?$/i.test(value);
}

/** `-c name=value`, `-cname=value` and `--name=value`; a backslash keeps the next character (manual, 54.2.1). */
function parseOptions(options: string): (readonly [string, string])[] {
  const words = [...options.matchAll(/(?:\\.|[^\s\\])+/gs)].map((match) => match[0].replace(/\\(.)/gs, '$1'));
  const texts = words.flatMap((word, index) => {
    if (word === '-c') return [];
    return [words[index - 1] === '-c' ? word : word.replace(/^(-c|--)/, '')];
  });
  return texts.map((text) => {
    const equals = text.indexOf('=');
    if (equals < 1) throw new WireError('42601', `invalid command-line argument for server process: ${text}`);
    return [text.slice(0, equals).replaceAll('-', '_'), text.slice(equals + 1)];
  });
}
