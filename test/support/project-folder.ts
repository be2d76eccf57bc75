import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import pg from 'pg';
import { onTestFinished } from 'vitest';
import { type PostgresAddress, startPostgres } from './postgres.ts';

export interface ServiceSketch {
  /** File name → text, in its revision folder. */
  readonly revisions?: Readonly<Record<string, string>>;
  readonly seeds?: Readonly<Record<string, string>>;
  /** More lines of its service.yaml. */
  readonly yaml?: string;
  readonly needs?: readonly string[];
}

/** A project of its own: a temporary folder with config and revision files, and databases that nobody else uses. */
export interface ProjectFolder {
  readonly folder: string;
  readonly postgres: PostgresAddress;
  /** The name that a sketch's service has as database: unique on the server. */
  database(service: string): string;
  owner(service: string): string;
  app(service: string): string;
  write(file: string, text: string): Promise<void>;
  remove(file: string): Promise<void>;
  /** One statement as superuser in a service's database (or `postgres`). */
  sql<Row = Record<string, unknown>>(service: string | undefined, text: string): Promise<readonly Row[]>;
}

export interface ProjectOptions {
  readonly environment?: string;
  /** More lines of the config. */
  readonly yaml?: string;
  /** The URL in the config; absent: the server's own. */
  readonly server?: string;
  /** A server of the test's own; absent: the one of the global set-up. */
  readonly postgres?: PostgresAddress;
  /** How long a run waits for a server, and for a place in it; absent: 5 s. */
  readonly readyTimeout?: string;
}

const OWNER_PASSWORD = 'owner-canary-7f3a';
export const APP_PASSWORD = 'app-canary-91bc';

/** Makes the project; it and its databases are removed when the test is over. */
export async function makeProject(
  sketches: Readonly<Record<string, ServiceSketch>>,
  options: ProjectOptions = {},
): Promise<ProjectFolder> {
  const postgres = options.postgres ?? (await startPostgres());
  const project = await createProject(sketches, { ...options, postgres });
  onTestFinished(() => removeProject(project, Object.keys(sketches)));
  return project;
}

/** As `makeProject`, for what is no test: it stays. */
export async function createProject(
  sketches: Readonly<Record<string, ServiceSketch>>,
  options: ProjectOptions & { readonly postgres: PostgresAddress },
): Promise<ProjectFolder> {
  const { postgres } = options;
  const folder = await mkdtemp(join(tmpdir(), 'orch-test-'));
  const suffix = Math.random().toString(36).slice(2, 10);
  const nameOf = (service: string, kind: string): string => `${service.replaceAll('-', '_')}_${kind}_${suffix}`;
  const project: ProjectFolder = {
    folder,
    postgres,
    database: (service) => nameOf(service, 'db'),
    owner: (service) => nameOf(service, 'owner'),
    app: (service) => nameOf(service, 'app'),
    async write(file, text) {
      await mkdir(dirname(join(folder, file)), { recursive: true });
      await writeFile(join(folder, file), text);
    },
    remove: (file) => rm(join(folder, file), { recursive: true, force: true }),
    sql: (service, text) => runSql(postgres, service === undefined ? 'postgres' : nameOf(service, 'db'), text),
  };
  await writeProject(project, sketches, options);
  return project;
}

async function writeProject(
  project: ProjectFolder,
  sketches: Readonly<Record<string, ServiceSketch>>,
  options: ProjectOptions,
): Promise<void> {
  const { host, port, adminRole, adminPassword } = project.postgres;
  await project.write('admin_password', `${adminPassword}\n`);
  await project.write(
    'orchestrator.config.yaml',
    `project: sample
environment: ${options.environment ?? 'development'}
servers:
  main:
    url: ${options.server ?? `postgresql://${adminRole}@${host}:${port}/postgres`}
    passwordFile: admin_password
    readyTimeout: ${options.readyTimeout ?? '5s'}
services: [${Object.keys(sketches)
      .map((name) => `${name}/service.yaml`)
      .join(', ')}]
${options.yaml ?? ''}`,
  );
  for (const [name, sketch] of Object.entries(sketches)) await writeService(project, name, sketch);
}

async function writeService(project: ProjectFolder, name: string, sketch: ServiceSketch): Promise<void> {
  await project.write(
    `${name}/service.yaml`,
    `name: ${name}
database: ${project.database(name)}
owner: { role: ${project.owner(name)}, password: ${OWNER_PASSWORD} }
prerequisites:
  roles:
    - { name: ${project.app(name)}, password: ${APP_PASSWORD}, access: application }
needs: [${(sketch.needs ?? []).join(', ')}]
${sketch.seeds === undefined ? '' : 'seeds: seeds\n'}${sketch.yaml ?? ''}
`,
  );
  await mkdir(join(project.folder, name, 'revisions'), { recursive: true });
  for (const [file, text] of Object.entries(sketch.revisions ?? {}))
    await project.write(`${name}/revisions/${file}`, text);
  for (const [file, text] of Object.entries(sketch.seeds ?? {})) await project.write(`${name}/seeds/${file}`, text);
}

async function runSql<Row>(postgres: PostgresAddress, database: string, text: string): Promise<readonly Row[]> {
  const { host, port, adminRole: user, adminPassword: password } = postgres;
  const client = new pg.Client({ host, port, user, password, database });
  await client.connect();
  try {
    const { rows } = await client.query(text);
    return rows as readonly Row[];
  } finally {
    await client.end();
  }
}

async function removeProject(project: ProjectFolder, services: readonly string[]): Promise<void> {
  for (const service of services) {
    await project.sql(undefined, `DROP DATABASE IF EXISTS "${project.database(service)}" WITH (FORCE)`);
    for (const role of [project.app(service), project.owner(service)]) {
      const rows = await project.sql(undefined, `SELECT FROM pg_roles WHERE rolname = '${role}'`);
      if (rows.length > 0) await project.sql(undefined, `DROP OWNED BY "${role}"; DROP ROLE "${role}"`);
    }
  }
  await rm(project.folder, { recursive: true, force: true });
}
