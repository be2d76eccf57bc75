import type { Location } from '../../ports/database.ts';
import { quoteIdentifier, quoteLiteral } from './quoting.ts';

/** The server versions at which PostgreSQL learnt settings that orch uses, newest first. */
export const SETTING_LEVELS = [17, 14, 13] as const;
export type SettingLevel = (typeof SETTING_LEVELS)[number];

/**
 * Settings at start-up take precedence over those of `ALTER ROLE … SET` and `ALTER DATABASE … SET`, so that no timeout
 * of a role ends the session that holds the lock (V17), and no `synchronous_commit = off` loses a commit (V19).
 * A client that is gone is noticed within 4 s by keepalives (idle) or the user timeout (where something it was sent is
 * unacknowledged, so that keepalives rest), and the check interval tells the statement that runs: its lock is free in 5 s
 * (V2, V4).
 */
const SETTINGS: readonly { readonly since: SettingLevel; readonly name: string; readonly value: string }[] = [
  { since: 13, name: 'statement_timeout', value: '0' },
  { since: 13, name: 'lock_timeout', value: '0' },
  { since: 13, name: 'idle_in_transaction_session_timeout', value: '0' },
  { since: 13, name: 'default_transaction_isolation', value: 'read committed' },
  { since: 13, name: 'tcp_keepalives_idle', value: '2' },
  { since: 13, name: 'tcp_keepalives_interval', value: '1' },
  { since: 13, name: 'tcp_keepalives_count', value: '2' },
  { since: 13, name: 'tcp_user_timeout', value: '4000' },
  { since: 13, name: 'synchronous_commit', value: 'on' },
  { since: 13, name: 'client_min_messages', value: 'notice' },
  { since: 13, name: 'standard_conforming_strings', value: 'on' },
  { since: 14, name: 'idle_session_timeout', value: '0' },
  { since: 14, name: 'client_connection_check_interval', value: '500ms' },
  { since: 17, name: 'transaction_timeout', value: '0' },
];

/** Sessions that run a service's own text: names in it are meant as the role's or the database's `search_path` says. */
const OWN_SEARCH_PATH: ReadonlySet<string> = new Set(['worker']);

/**
 * The `options` of the start-up message: `-c name=value …`.
 * @param level leaves out what a server older than that does not know: an unknown setting at start-up is fatal (42704)
 * @returns undefined for a server with one session for all: a setting would reach every other client
 */
export function startupOptions(location: Location, purpose: string, level: SettingLevel): string | undefined {
  if (location.sessions === 'one' || location.pooler === true) return undefined;
  return settingsFor(location, purpose, level)
    .map(([name, value]) => `-c ${escapeOption(`${name}=${value}`)}`)
    .join(' ');
}

/** The role too: `ALTER ROLE … SET role` would make another one own what revisions make. */
function settingsFor(location: Location, purpose: string, level: SettingLevel): readonly (readonly [string, string])[] {
  return [
    ...(OWN_SEARCH_PATH.has(purpose) ? [] : [['search_path', 'pg_catalog'] as const]),
    ...SETTINGS.filter(({ since }) => since <= level).map(({ name, value }) => [name, value] as const),
    ['role', location.actAs ?? 'none'],
  ];
}

/**
 * The same settings for a session behind a pooler, which takes none at start-up (PgBouncer: 08P01, unsupported startup
 * parameter): made once it is open, as far as the server knows them. The row has the backend's process id.
 */
export function settleSql(location: Location, purpose: string): string {
  const wanted = settingsFor(location, purpose, SETTING_LEVELS[0]).filter(([name]) => name !== 'role');
  const values = wanted.map(([name, value]) => `(${quoteLiteral(name)}, ${quoteLiteral(value)})`).join(', ');
  const role = location.actAs === undefined ? 'NONE' : quoteIdentifier(location.actAs);
  return `SET ROLE ${role};
SELECT pg_catalog.set_config(s.name, w.value, false) FROM (VALUES ${values}) AS w (name, value)
  JOIN pg_catalog.pg_settings AS s ON s.name = w.name;
SELECT pg_catalog.pg_backend_pid() AS pid`;
}

/** The server splits `options` at white space; a backslash keeps what follows it. */
function escapeOption(text: string): string {
  return text.replace(/[\\\s]/g, '\\$&');
}

/** `orch <purpose> <run>`, within the 63 bytes that PostgreSQL keeps; what is not printable ASCII it would turn into `?`. */
export function applicationName(purpose: string, run: string): string {
  return `orch ${purpose} ${run}`.slice(0, 63);
}
