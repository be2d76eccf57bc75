import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { Server, Service } from '../../src/core/project.ts';
import type { Location } from '../../src/ports/database.ts';
import type { PostgresAddress } from './postgres.ts';

/** A name that no other test uses: `prefix_` and eight hex digits. */
export function randomName(prefix = 'test'): string {
  return `${prefix}_${randomBytes(4).toString('hex')}`;
}

const plain = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined } as const;

/** Where the superuser reaches a database of the server. */
export function adminLocation(postgres: PostgresAddress, database = 'postgres'): Location {
  return {
    host: postgres.host,
    port: postgres.port,
    database,
    role: postgres.adminRole,
    password: postgres.adminPassword,
    actAs: undefined,
    tls: plain,
    sessions: 'many',
  };
}

/** Runs statements as the superuser, straight through `pg`, and gives the rows of the last one. */
export async function runAsAdmin(
  postgres: PostgresAddress,
  sql: string,
  database = 'postgres',
): Promise<Record<string, unknown>[]> {
  return await runAt(adminLocation(postgres, database), sql);
}

/** Runs statements at a location, straight through `pg`, and gives the rows of the last one. */
export async function runAt(location: Location, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({
    host: location.host,
    port: location.port,
    database: location.database,
    user: location.role,
    password: location.password,
    ssl: false,
  });
  await client.connect();
  try {
    const result = (await client.query(sql)) as pg.QueryResult | pg.QueryResult[];
    return (Array.isArray(result) ? result.at(-1) : result)?.rows ?? [];
  } finally {
    await client.end();
  }
}

/** The server as a project's config describes it. */
export function testServer(postgres: PostgresAddress, changes: Partial<Server> = {}): Server {
  return {
    name: 'main',
    host: postgres.host,
    port: postgres.port,
    tls: plain,
    admin: { role: postgres.adminRole, password: postgres.adminPassword },
    maintenanceDatabase: 'postgres',
    container: undefined,
    readyTimeout: 30_000,
    ...changes,
  };
}

/** A service with names of its own (database, owner and application role); nothing of it exists yet. */
export function testService(postgres: PostgresAddress, changes: Partial<Service> = {}): Service {
  const database = changes.database ?? randomName('db');
  return {
    name: 'api-test',
    database,
    server: testServer(postgres),
    owner: { role: `${database}_owner`, password: 'owner secret' },
    roles: [{ name: `${database}_app`, password: 'app secret', access: 'application' }],
    extensions: [],
    folder: '/nowhere',
    revisions: '/nowhere/revisions',
    seeds: undefined,
    container: undefined,
    health: { url: undefined, timeout: 1_000 },
    local: undefined,
    needs: [],
    file: '/nowhere/service.yaml',
    ...changes,
  };
}

/** Where the service's owner (or another of its roles) reaches its database. */
export function ownerLocation(service: Service, changes: Partial<Location> = {}): Location {
  return {
    host: service.server.host,
    port: service.server.port,
    database: service.database,
    role: service.owner.role,
    password: service.owner.password,
    actAs: undefined,
    tls: service.server.tls,
    sessions: 'many',
    ...changes,
  };
}

/** Creates a database with an owner of its own, both with random names, and gives how the owner reaches it. */
export async function createDatabase(postgres: PostgresAddress, changes: Partial<Service> = {}): Promise<Service> {
  const service = testService(postgres, changes);
  const owner = pg.escapeIdentifier(service.owner.role);
  const database = pg.escapeIdentifier(service.database);
  await runAsAdmin(postgres, `CREATE ROLE ${owner} LOGIN PASSWORD ${pg.escapeLiteral(service.owner.password ?? '')}`);
  await runAsAdmin(postgres, `CREATE DATABASE ${database} OWNER ${owner}`);
  return service;
}
