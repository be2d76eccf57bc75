import { dirname } from 'node:path';
import type { Credentials, Server } from '../core/project.ts';
import type { ConfigPath } from './config-document.ts';
import { faultOf } from './diagnostic.ts';
import { hintForUnknown } from './identifier.ts';
import type { Connection } from './resolve-connection.ts';
import { resolveConnection } from './resolve-connection.ts';
import type { ResolveContext } from './resolve-context.ts';
import { isDropped, refuse, resolveDuration } from './resolve-context.ts';
import { resolvePassword } from './resolve-password.ts';
import type { OrchestratorConfig, ServiceConfig } from './schema.ts';
import type { Valid } from './validate.ts';
import { findSecretVariable } from './variables.ts';

export const DEFAULT_TIMEOUT = 60_000;

const OVERRIDE = 'ORCH_SERVER_URL';

/** The URL at a path of a file. */
export function resolveUrlAt(
  context: ResolveContext,
  valid: Valid<unknown>,
  path: ConfigPath,
  text: string,
): Connection | undefined {
  return resolveConnection({
    text,
    folder: dirname(valid.document.path),
    env: context.env,
    refuse: (message, hint) => refuse(context, valid, path, message, hint),
    secrets: context.secrets,
  });
}

/** Gives the servers that services ask for. Only those are resolved: a password file of another may be missing. */
export class ServerTable {
  readonly #context: ResolveContext;
  readonly #main: Valid<OrchestratorConfig>;
  readonly #resolved = new Map<string, Server | undefined>();

  constructor(context: ResolveContext, main: Valid<OrchestratorConfig>) {
    this.#context = context;
    this.#main = main;
  }

  /** The server that the environment names for a service (`ORCH_SERVER_URL_<SERVICE>`, else `ORCH_SERVER_URL`). */
  findOverride(service: string): { readonly server: Server | undefined } | undefined {
    for (const variable of [overrideVariable(service), OVERRIDE]) {
      const found = findSecretVariable(this.#context.env, this.#context.cwd, variable);
      if (found === undefined || ('value' in found && found.value === '')) continue;
      return { server: this.#once(variable, () => this.#fromVariable(variable, found)) };
    }
    return undefined;
  }

  /** The server that a service names, or the only one; undefined: there is none, and it was said. */
  requireServer(service: Valid<ServiceConfig>): Server | undefined {
    const isAnyDropped = this.#main.dropped.some(([key]) => key === 'servers');
    if (isAnyDropped || isDropped(service, 'server') || isDropped(service, 'url')) return undefined;
    const names = Object.keys(this.#main.config.servers ?? {});
    const [only] = names;
    const name = service.config.server ?? (names.length === 1 ? only : undefined);
    if (name === undefined) {
      const why =
        only === undefined ? 'the project declares none' : `the project has ${names.length}: ${names.join(', ')}`;
      const hint =
        only === undefined ? 'Declare one under servers, or give the service a url.' : 'Add server: and one of them.';
      return refuse(this.#context, service, ['name'], `the service names no server, and ${why}`, hint);
    }
    if (!names.includes(name)) {
      return refuse(this.#context, service, ['server'], `no server is named '${name}'`, hintForUnknown(name, names));
    }
    return this.#once(`server ${name}`, () => this.#declared(name));
  }

  #once(key: string, make: () => Server | undefined): Server | undefined {
    if (!this.#resolved.has(key)) this.#resolved.set(key, make());
    return this.#resolved.get(key);
  }

  #fromVariable(variable: string, found: { value: string } | { problem: string }): Server | undefined {
    const { context, refuseIt } = { context: this.#context, refuseIt: refuseVariable(this.#context, variable) };
    if ('problem' in found) return refuseIt(found.problem);
    const connection = resolveConnection({
      text: found.value,
      folder: context.cwd,
      env: context.env,
      refuse: refuseIt,
      secrets: context.secrets,
    });
    if (connection === undefined) return undefined;
    const admin = credentials(connection, connection.url.password);
    return toServer(variable, connection, { admin, container: undefined, readyTimeout: DEFAULT_TIMEOUT });
  }

  #declared(name: string): Server | undefined {
    const config = this.#main.config.servers?.[name];
    if (config === undefined) return undefined;
    const path = ['servers', name];
    const connection = resolveUrlAt(this.#context, this.#main, [...path, 'url'], config.url);
    const password = resolvePassword(this.#context, this.#main, path, config, connection?.url.password);
    const readyTimeout = resolveDuration(
      this.#context,
      this.#main,
      [...path, 'readyTimeout'],
      config.readyTimeout,
      DEFAULT_TIMEOUT,
    );
    if (connection === undefined) return undefined;
    if (connection.url.role === undefined && password !== undefined) {
      const hint = 'Write it as postgresql://role@host:5432/database.';
      return refuse(
        this.#context,
        this.#main,
        [...path, 'url'],
        'there is a password, and the URL names no role',
        hint,
      );
    }
    const admin = credentials(connection, password);
    const server = toServer(name, connection, { admin, container: config.container, readyTimeout });
    return String(config.allowPooler ?? false) === 'true' ? { ...server, allowPooler: true } : server;
  }
}

function refuseVariable(context: ResolveContext, variable: string) {
  return (message: string, hint?: string): undefined => {
    context.faults.push(faultOf(`the variable ${variable}`, message, hint));
  };
}

function overrideVariable(service: string): string {
  return `${OVERRIDE}_${service.toUpperCase().replaceAll('-', '_')}`;
}

/** Variables of the form `ORCH_SERVER_URL_<SERVICE>` that name no service: a misspelt one would be passed over. */
export function checkOverrides(context: ResolveContext, services: readonly string[]): void {
  const known = services.map(overrideVariable);
  for (const variable of Object.keys(context.env)) {
    if (!variable.startsWith(`${OVERRIDE}_`) || variable === `${OVERRIDE}_FILE` || known.includes(variable)) continue;
    if (known.includes(variable.replace(/_FILE$/, ''))) continue;
    refuseVariable(context, variable)('it names no service of the project', hintForUnknown(variable, known));
  }
}

function credentials(connection: Connection, password: string | undefined): Credentials | undefined {
  const { role } = connection.url;
  return role === undefined ? undefined : { role, password };
}

/** A server from its address and what the config adds. */
export function toServer(
  name: string,
  { url, tls }: Connection,
  rest: Pick<Server, 'admin' | 'container' | 'readyTimeout'>,
): Server {
  const maintenanceDatabase = url.database ?? 'postgres';
  const server = { name, host: url.host, port: url.port, tls, maintenanceDatabase, ...rest };
  return url.allowPooler ? { ...server, allowPooler: true } : server;
}
