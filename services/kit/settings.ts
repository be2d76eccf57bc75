import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** What a service is told from outside. */
export interface Settings {
  readonly host: string;
  readonly port: number;
  /** Where api-auth answers; api-auth itself does not use it. */
  readonly authUrl: string;
  readonly database: DatabaseSettings;
}

export interface DatabaseSettings {
  /** Shown by `/health`, also when the database cannot be reached. */
  readonly name: string;
  readonly connectionString: string;
  /** Connections at most. */
  readonly poolSize: number;
}

/** A fault of the environment that a person can mend: its message is all that is printed. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
}

const port = z.coerce.number().int().min(1).max(65535);

const environmentSchema = z.object({
  HOST: z.string().default('127.0.0.1'),
  PORT: port.optional(),
  AUTH_URL: z.url({ protocol: /^https?$/ }).default('http://127.0.0.1:8001'),
  DATABASE_URL: z.string().optional(),
  DATABASE_HOST: z.string().optional(),
  DATABASE_PORT: port.default(5432),
  DATABASE_NAME: z.string().optional(),
  DATABASE_USER: z.string().optional(),
  DATABASE_PASSWORD_FILE: z.string().optional(),
  DATABASE_POOL_SIZE: z.coerce.number().int().min(1).max(100).default(4),
});

type Variables = z.infer<typeof environmentSchema>;

/**
 * Reads the service's settings: `DATABASE_URL`, or `DATABASE_HOST`, `_PORT`, `_NAME`, `_USER` and `_PASSWORD_FILE`.
 * @param defaultPort where the service listens if `PORT` does not say
 * @throws SettingsError
 */
export function readSettings(environment: Readonly<Record<string, string | undefined>>, defaultPort: number): Settings {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    throw new SettingsError(parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '));
  }
  const variables = parsed.data;
  const url = databaseUrl(variables);
  return {
    host: variables.HOST,
    port: variables.PORT ?? defaultPort,
    authUrl: variables.AUTH_URL.replace(/\/+$/, ''),
    database: {
      name: decodeURIComponent(url.pathname.slice(1)),
      connectionString: url.href,
      poolSize: variables.DATABASE_POOL_SIZE,
    },
  };
}

function databaseUrl(variables: Variables): URL {
  if (variables.DATABASE_URL !== undefined) {
    // Asked first, because the error of `new URL` carries the whole text, password included.
    const url = URL.canParse(variables.DATABASE_URL) ? new URL(variables.DATABASE_URL) : undefined;
    if (url === undefined || url.pathname.length < 2) throw new SettingsError('DATABASE_URL is no URL of a database');
    return withLibpqTls(url);
  }
  const { DATABASE_HOST, DATABASE_NAME, DATABASE_USER } = variables;
  if (DATABASE_HOST === undefined || DATABASE_NAME === undefined || DATABASE_USER === undefined) {
    throw new SettingsError('set DATABASE_URL, or DATABASE_HOST, DATABASE_NAME and DATABASE_USER');
  }
  const url = new URL(`postgresql://localhost/${encodeURIComponent(DATABASE_NAME)}`);
  url.hostname = DATABASE_HOST;
  url.port = String(variables.DATABASE_PORT);
  url.username = encodeURIComponent(DATABASE_USER);
  url.password = encodeURIComponent(readPassword(variables.DATABASE_PASSWORD_FILE));
  return url;
}

/** Lets `sslmode` mean what it means to libpq; to `pg` alone each mode but `disable` is `verify-full`. */
function withLibpqTls(url: URL): URL {
  const mode = url.searchParams.get('sslmode');
  // "TLS if the server has it": the driver cannot fall back, so it does not begin.
  if (mode === 'prefer' || mode === 'allow') url.searchParams.set('sslmode', 'disable');
  else if (mode !== null) url.searchParams.set('uselibpqcompat', 'true');
  return url;
}

function readPassword(file: string | undefined): string {
  if (file === undefined) return '';
  try {
    // Editors end a file with a line end that is no part of the secret.
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new SettingsError(
      `DATABASE_PASSWORD_FILE: ${(error as NodeJS.ErrnoException).code ?? 'not readable'}: ${file}`,
      {
        cause: error,
      },
    );
  }
}
