import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type {
  Credentials,
  ExtensionPrerequisite,
  LocalProcess,
  RolePrerequisite,
  Server,
  Service,
} from '../core/project.ts';
import { describeUnfit } from '../core/variables.ts';
import type { ConfigPath } from './config-document.ts';
import { showPath } from './file.ts';
import { findReservedDatabase, findReservedRole } from './identifier.ts';
import { isInside } from './inside.ts';
import type { ResolveContext } from './resolve-context.ts';
import { isDropped, refuse, resolveDuration, resolveWhole } from './resolve-context.ts';
import { resolvePassword } from './resolve-password.ts';
import type { ServerTable } from './resolve-server.ts';
import { DEFAULT_TIMEOUT, resolveUrlAt, toServer } from './resolve-server.ts';
import type { ServiceConfig } from './schema.ts';
import { describeReadError } from './secret.ts';
import type { Valid } from './validate.ts';

/** Where a service's data is and who owns it. */
interface Home {
  readonly server: Server;
  readonly database: string;
  readonly owner: Credentials;
}

/**
 * A service with defaults, absolute paths and passwords. `servers` undefined: `orchestrator.config.yaml` could not be
 * used; the rest is looked at all the same. Undefined: it was said what is wrong.
 */
export function resolveService(
  context: ResolveContext,
  valid: Valid<ServiceConfig>,
  servers: ServerTable | undefined,
): Service | undefined {
  const { config, document } = valid;
  const folder = dirname(document.path);
  const home = resolveHome(context, valid, servers);
  const roles = resolveRoles(context, valid);
  const extensions = resolveExtensions(context, valid);
  const revisions = resolveFolder(context, valid, 'revisions', config.revisions ?? 'revisions');
  const seeds = config.seeds === undefined ? undefined : resolveFolder(context, valid, 'seeds', config.seeds);
  const schema = config.schema === undefined ? undefined : resolveSchema(context, valid, config.schema);
  const timeout = resolveDuration(context, valid, ['health', 'timeout'], config.health?.timeout, DEFAULT_TIMEOUT);
  const local = resolveLocal(context, valid);
  const variables = resolveVariables(context, valid);
  if (home === undefined) return undefined;
  return {
    name: config.name,
    ...home,
    roles,
    extensions,
    folder,
    revisions,
    seeds,
    schema,
    variables,
    container: config.container,
    health: { url: config.health?.url, timeout },
    local,
    needs: config.needs ?? [],
    file: document.path,
  };
}

function resolveHome(
  context: ResolveContext,
  valid: Valid<ServiceConfig>,
  servers: ServerTable | undefined,
): Home | undefined {
  const { config } = valid;
  const own = config.url === undefined ? undefined : resolveOwnDatabase(context, valid, config.url);
  const owner = own?.owner ?? resolveOwner(context, valid);
  const database = own?.database ?? resolveDatabase(context, valid);
  const override = servers?.findOverride(config.name);
  const server = override ? override.server : config.url === undefined ? servers?.requireServer(valid) : own?.server;
  if (server === undefined || database === undefined || owner === undefined) return undefined;
  return { server, database, owner };
}

/** An existing database by its URL: all of it must be there already, so there is no admin role. */
function resolveOwnDatabase(context: ResolveContext, valid: Valid<ServiceConfig>, text: string): Home | undefined {
  const { config } = valid;
  if (config.server !== undefined)
    refuse(context, valid, ['server'], 'both url and server', 'Keep one of the two.', 'key');
  const connection = resolveUrlAt(context, valid, ['url'], text);
  if (connection === undefined) return undefined;
  const { url } = connection;
  const password = resolvePassword(context, valid, ['owner'], config.owner ?? {}, url.password);
  for (const [what, path, named, fromUrl] of [
    ['database', ['database'], config.database, url.database],
    ['role', ['owner', 'role'], config.owner?.role, url.role],
  ] as const) {
    if (named !== undefined && fromUrl !== undefined && named !== fromUrl) {
      refuse(context, valid, path, `the url names another ${what}: '${fromUrl}'`, 'Take one of the two out.');
    }
    if (named === undefined && fromUrl === undefined) refuse(context, valid, ['url'], `the URL names no ${what}`);
  }
  const role = url.role ?? config.owner?.role;
  const database = url.database ?? config.database;
  if (role === undefined || database === undefined) return undefined;
  const named = { ...connection, url: { ...url, database } };
  const server = toServer(config.name, named, {
    admin: undefined,
    container: undefined,
    readyTimeout: DEFAULT_TIMEOUT,
  });
  return { server, database, owner: { role, password } };
}

function resolveDatabase(context: ResolveContext, valid: Valid<ServiceConfig>): string | undefined {
  const { database, url } = valid.config;
  if (url !== undefined || isDropped(valid, 'url') || isDropped(valid, 'database')) return undefined;
  if (database === undefined) {
    return refuse(
      context,
      valid,
      [],
      "the key 'database' is missing",
      'Name the database of the service, or give its url.',
    );
  }
  const reserved = findReservedDatabase(database);
  return reserved === undefined
    ? database
    : refuse(
        context,
        valid,
        ['database'],
        `no service can have this database: ${reserved}`,
        'Give it a name of its own.',
      );
}

function resolveOwner(context: ResolveContext, valid: Valid<ServiceConfig>): Credentials | undefined {
  const { owner, url } = valid.config;
  if (url !== undefined || isDropped(valid, 'url') || isDropped(valid, 'owner')) return undefined;
  const password = resolvePassword(context, valid, ['owner'], owner ?? {});
  if (isDropped(valid, 'owner', 'role')) return undefined;
  if (owner?.role === undefined) {
    const path = owner === undefined ? [] : ['owner'];
    const key = owner === undefined ? "the key 'owner' is missing" : "the key 'role' is missing";
    return refuse(context, valid, path, key, 'Name the role that owns the database.', 'key');
  }
  checkRole(context, valid, ['owner', 'role'], owner.role);
  return { role: owner.role, password };
}

function checkRole(context: ResolveContext, valid: Valid<ServiceConfig>, path: ConfigPath, name: string): void {
  const reserved = findReservedRole(name);
  if (reserved !== undefined) refuse(context, valid, path, `no role can have this name: ${reserved}`);
}

function resolveRoles(context: ResolveContext, valid: Valid<ServiceConfig>): readonly RolePrerequisite[] {
  const seen = new Set<string>();
  const owner = valid.config.owner?.role;
  return (valid.config.prerequisites?.roles ?? []).map((role, index) => {
    const path = ['prerequisites', 'roles', index];
    checkRole(context, valid, [...path, 'name'], role.name);
    if (role.name === owner) refuse(context, valid, [...path, 'name'], 'this role is the owner already');
    else if (seen.has(role.name)) refuse(context, valid, [...path, 'name'], 'this role stands here twice');
    seen.add(role.name);
    const password = resolvePassword(context, valid, path, role);
    return { name: role.name, password, access: role.access ?? 'application' };
  });
}

function resolveExtensions(context: ResolveContext, valid: Valid<ServiceConfig>): readonly ExtensionPrerequisite[] {
  const seen = new Set<string>();
  return (valid.config.prerequisites?.extensions ?? []).map((extension, index) => {
    const { name, version } = typeof extension === 'string' ? { name: extension, version: undefined } : extension;
    if (seen.has(name))
      refuse(context, valid, ['prerequisites', 'extensions', index], 'this extension stands here twice');
    seen.add(name);
    return { name, minimumVersion: version };
  });
}

/** A folder must be there and, all links followed, inside the project: its files are run as the owner of a database. */
function resolveFolder(
  context: ResolveContext,
  valid: Valid<ServiceConfig>,
  key: 'revisions' | 'seeds',
  path: string,
): string {
  const absolute = resolve(dirname(valid.document.path), path);
  if (isDropped(valid, key)) return absolute;
  const shown = showPath(context.cwd, absolute);
  const place = valid.config[key] === undefined ? [] : [key];
  try {
    if (!statSync(absolute).isDirectory()) refuse(context, valid, place, `the ${key} folder ${shown} is not a folder`);
    else if (!isInside(realpathSync(context.root), realpathSync(absolute))) {
      const hint = 'Its real path, with links followed, must be inside the folder of orchestrator.config.yaml.';
      refuse(context, valid, place, `the ${key} folder ${shown} is outside the project`, hint);
    }
  } catch (error) {
    const hint = valid.config[key] === undefined ? `Make it, or name another one with ${key}:.` : undefined;
    refuse(context, valid, place, `the ${key} folder ${shown} ${describeReadError(error)}`, hint);
  }
  return absolute;
}

/** A file or folder, as safe as a folder of revisions: what is in it is run too, if only in a throwaway database. */
function resolveSchema(context: ResolveContext, valid: Valid<ServiceConfig>, path: string): string {
  const absolute = resolve(dirname(valid.document.path), path);
  if (isDropped(valid, 'schema')) return absolute;
  const shown = showPath(context.cwd, absolute);
  try {
    const real = realpathSync(absolute);
    const status = statSync(real);
    if (!isInside(realpathSync(context.root), real)) {
      const hint = 'Its real path, with links followed, must be inside the folder of orchestrator.config.yaml.';
      refuse(context, valid, ['schema'], `the schema ${shown} is outside the project`, hint);
    } else if (!status.isFile() && !status.isDirectory()) {
      refuse(context, valid, ['schema'], `the schema ${shown} is neither a file nor a folder`);
    }
  } catch (error) {
    refuse(context, valid, ['schema'], `the schema ${shown} ${describeReadError(error)}`);
  }
  return absolute;
}

function resolveVariables(context: ResolveContext, valid: Valid<ServiceConfig>): Readonly<Record<string, string>> {
  const values = Object.entries(valid.config.variables ?? {}).map(([name, value]) => [name, String(value)] as const);
  for (const [name, value] of values) {
    const unfit = describeUnfit(value);
    if (unfit !== undefined) refuse(context, valid, ['variables', name], `this can be no value: ${unfit}`);
    // The ledger keeps values, and shows them.
    if (holdsSecret(valid, value))
      refuse(context, valid, ['variables', name], 'this is a secret, and the ledger records the values of variables');
  }
  return Object.fromEntries(values);
}

/** A secret of fewer than four characters stands in ordinary words too. */
function holdsSecret({ document }: Valid<unknown>, value: string): boolean {
  return document.secrets.some((secret) => secret.length >= 4 && value.includes(secret));
}

function resolveLocal(context: ResolveContext, valid: Valid<ServiceConfig>): LocalProcess | undefined {
  const { local } = valid.config;
  if (local === undefined) return undefined;
  const range = { from: 1, to: 65_535 };
  const environment = Object.entries(local.environment ?? {}).map(([name, value]) => [name, String(value)]);
  return {
    command: local.command,
    environment: Object.fromEntries(environment),
    port: local.port === undefined ? undefined : resolveWhole(context, valid, ['local', 'port'], local.port, range),
  };
}
