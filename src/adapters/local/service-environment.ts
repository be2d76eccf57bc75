import { createHash } from 'node:crypto';
import type { Service } from '../../core/project.ts';

/** Where a database is reached. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** Loopback URL of a service; undefined where the config names no port. */
export function serviceUrl(service: Service): string | undefined {
  return service.local?.port === undefined ? undefined : `http://127.0.0.1:${service.local.port}`;
}

/**
 * The environment that a service's process gets.
 * @param inherited what of orch's own environment it is to have, such as PATH and HOME
 * @param endpoint of its database under this runtime; undefined: the database is on the configured server
 */
export function serviceEnvironment(
  service: Service,
  inherited: Readonly<Record<string, string>>,
  endpoint: Endpoint | undefined,
): Readonly<Record<string, string>> {
  return {
    ...inherited,
    ...(service.local?.port === undefined ? {} : { PORT: String(service.local.port) }),
    HOST: '127.0.0.1',
    DATABASE_URL: databaseUrl(service, endpoint),
    ...service.local?.environment,
  };
}

/** As the application role where there is one, else as the owner. PGlite asks for no password. */
function databaseUrl(service: Service, endpoint: Endpoint | undefined): string {
  const application = service.roles.find((role) => role.access === 'application');
  const credentials =
    application === undefined ? service.owner : { role: application.name, password: application.password };
  const password =
    endpoint === undefined && credentials.password !== undefined ? `:${encodeURIComponent(credentials.password)}` : '';
  const { host, port } = endpoint ?? service.server;
  const address = host.includes(':') ? `[${host}]` : host;
  const mode = endpoint === undefined ? `?sslmode=${service.server.tls.mode}` : '';
  return `postgresql://${encodeURIComponent(credentials.role)}${password}@${address}:${port}/${encodeURIComponent(service.database)}${mode}`;
}

/** Fingerprint of what a service's process is made from; another one means that it has to be replaced. */
export function madeFrom(service: Service): string {
  const { folder, database, local } = service;
  const role = service.roles.find(({ access }) => access === 'application')?.name ?? service.owner.role;
  return createHash('sha256')
    .update(JSON.stringify([folder, database, role, local]))
    .digest('hex');
}
