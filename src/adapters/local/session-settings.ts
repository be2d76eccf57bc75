/** The settings of one connection, put into the shared session before its next unit runs and taken out of it after. */
export interface SessionSettings {
  /** Role that the connection logged in as. */
  readonly user: string;
  /** Role set by SET ROLE; `none`: none. */
  readonly role: string;
  readonly values: readonly (readonly [name: string, value: string])[];
}

/** The role that PGlite logs in as; it may take on any other. */
export const superuser = 'postgres';

/**
 * Puts the session back to its defaults. Sent apart from `putSettings`: a whole query text is parsed under the settings
 * that hold before its first statement runs. `RESET SESSION AUTHORIZATION` does nothing in PostgreSQL's single-user mode.
 */
export const resetSettings = `SET SESSION AUTHORIZATION ${superuser}; RESET ALL`;

/** SQL that gives a session with default settings these ones. */
export function putSettings(settings: SessionSettings): string {
  const calls = settings.values.map(
    ([name, value]) => `pg_catalog.set_config(${literal(name)}, ${literal(value)}, false)`,
  );
  return [
    ...(calls.length === 0 ? [] : [`SELECT ${calls.join(', ')}`]),
    ...(settings.user === superuser ? [] : [`SET SESSION AUTHORIZATION ${identifier(settings.user)}`]),
    ...(settings.role === 'none' ? [] : [`SET ROLE ${identifier(settings.role)}`]),
  ].join('; ');
}

/** One row: the settings made in this session as JSON, the role set, the session's user. */
export const captureSettings = `SELECT pg_catalog.json_object_agg(name, setting), pg_catalog.current_setting('role'), session_user
  FROM pg_catalog.pg_settings WHERE source = 'session'`;

/** Settings from the row that `captureSettings` gives. */
export function parseSettings(row: readonly (string | null)[]): SessionSettings {
  const values: unknown = JSON.parse(row[0] ?? '{}');
  const entries = typeof values === 'object' && values !== null ? Object.entries(values) : [];
  return {
    user: row[2] ?? superuser,
    role: row[1] ?? 'none',
    values: entries.map(([name, value]) => [name, String(value)] as const),
  };
}

function literal(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** Quoted as PostgreSQL's `quote_ident` does when it quotes. */
export function identifier(text: string): string {
  return `"${text.replaceAll('"', '""')}"`;
}
