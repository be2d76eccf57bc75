import type { Location } from '../../ports/database.ts';

/** The server versions at which PostgreSQL learnt settings that orch uses, newest first. */
export const SETTING_LEVELS = [17, 14, 13] as const;
export type SettingLevel = (typeof SETTING_LEVELS)[number];

/**
 * Settings at start-up take precedence over those of `ALTER ROLE … SET` and `ALTER DATABASE … SET`, so that no timeout
 * of a role ends the session that holds the lock (V17), and no `synchronous_commit = off` loses a commit (V19).
 * Keepalives and the check interval together free the lock of a client that is gone within seconds (V2, V4).
 */
const SETTINGS: readonly { readonly since: SettingLevel; readonly name: string; readonly value: string }[] = [
  { since: 13, name: 'statement_timeout', value: '0' },
  { since: 13, name: 'lock_timeout', value: '0' },
  { since: 13, name: 'idle_in_transaction_session_timeout', value: '0' },
  { since: 13, name: 'tcp_keepalives_idle', value: '10' },
  { since: 13, name: 'tcp_keepalives_interval', value: '5' },
  { since: 13, name: 'tcp_keepalives_count', value: '3' },
  { since: 13, name: 'synchronous_commit', value: 'on' },
  { since: 13, name: 'client_min_messages', value: 'notice' },
  { since: 13, name: 'standard_conforming_strings', value: 'on' },
  { since: 14, name: 'idle_session_timeout', value: '0' },
  { since: 14, name: 'client_connection_check_interval', value: '2s' },
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
  if (location.sessions === 'one') return undefined;
  const settings = SETTINGS.filter((setting) => setting.since <= level).map(({ name, value }) => `${name}=${value}`);
  if (!OWN_SEARCH_PATH.has(purpose)) settings.unshift('search_path=pg_catalog');
  if (location.actAs !== undefined) settings.push(`role=${location.actAs}`);
  return settings.map((setting) => `-c ${escapeOption(setting)}`).join(' ');
}

/** The server splits `options` at white space; a backslash keeps what follows it. */
function escapeOption(text: string): string {
  return text.replace(/[\\\s]/g, '\\$&');
}

/** `orch <purpose> <run>`, within the 63 bytes that PostgreSQL keeps; what is not printable ASCII it would turn into `?`. */
export function applicationName(purpose: string, run: string): string {
  return `orch ${purpose} ${run}`.slice(0, 63);
}
