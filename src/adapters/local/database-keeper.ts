import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import type { Service } from '../../core/project.ts';
import { type DatabaseStopped, makeTemplate, type RunningDatabase, startDatabase } from './database-worker.ts';
import type { LocalPaths } from './paths.ts';
import type { DatabaseState } from './state-file.ts';

/** ms that a database has to close in before its thread is ended; the next start then recovers from its log. */
const closePatience = 3000;

/** What the keeper is made with. */
export interface DatabaseKeeperOptions {
  readonly paths: LocalPaths;
  /** ms that a client may leave a transaction open without a word, while others wait. */
  readonly idleInTransaction: number;
  readonly onLost: (service: Service, error: DatabaseStopped) => void;
}

/** The databases that this process has open, one PGlite each. */
export class DatabaseKeeper {
  readonly #options: DatabaseKeeperOptions;
  readonly #open = new Map<string, Promise<RunningDatabase>>();
  readonly #running = new Map<string, RunningDatabase>();
  #template: Promise<string> | undefined;
  #ports: Promise<Record<string, number>> | undefined;

  constructor(options: DatabaseKeeperOptions) {
    this.#options = options;
  }

  /** Where each open database is reached. */
  get states(): readonly DatabaseState[] {
    return [...this.#running.values()].map(({ spec, host, port }) => ({ database: spec.database, host, port }));
  }

  /**
   * Opens the service's database, making it where there is none.
   * @param roles created too, besides the owner and the admin
   * @returns false: it was open already
   * @throws Failure `server-unreachable` with what PostgreSQL said
   */
  async open(service: Service, roles: readonly string[] = []): Promise<boolean> {
    const opening = this.#open.get(service.database);
    if (opening !== undefined) {
      await opening;
      return false;
    }
    const opened = this.#start(service, roles);
    this.#open.set(service.database, opened);
    try {
      this.#running.set(service.database, await opened);
      return true;
    } catch (cause) {
      this.#open.delete(service.database);
      throw unreachable(service, cause);
    }
  }

  /** Throws the database's data away and opens a fresh one, with the roles that a server would still have; sessions end. */
  async recreate(service: Service): Promise<void> {
    await this.close(service.database);
    await this.discard(service.database);
    const roles = service.roles.map(({ name }) => name);
    await this.open(service, roles);
  }

  /** Closes it, with its data on disk; nothing where it is not open. */
  async close(database: string): Promise<boolean> {
    const opening = this.#open.get(database);
    if (opening === undefined) return false;
    this.#open.delete(database);
    this.#running.delete(database);
    // One that did not open has told so to whoever opened it.
    const running = await opening.catch(() => undefined);
    await running?.close(closePatience);
    return running !== undefined;
  }

  async closeAll(): Promise<void> {
    await Promise.all([...this.#open.keys()].map((database) => this.close(database)));
  }

  /** Deletes a closed database's data. It is moved away first: a delete that is cut short must not leave half a database. */
  async discard(database: string): Promise<void> {
    const { paths } = this.#options;
    const discarded = paths.discarded(database);
    await rm(discarded, { recursive: true, force: true });
    if (existsSync(paths.database(database))) await rename(paths.database(database), discarded);
    await rm(discarded, { recursive: true, force: true });
  }

  /** Closes it and deletes all that is kept of it, its port too; false: it was not open. */
  async forget(database: string): Promise<boolean> {
    const wasOpen = await this.close(database);
    await this.discard(database);
    const ports = await this.#rememberedPorts();
    if (ports[database] !== undefined) {
      delete ports[database];
      await writeFile(this.#options.paths.ports, JSON.stringify(ports));
    }
    return wasOpen;
  }

  /** Deletes what is no database of its own: the cluster that new ones are copied from, remembered ports, leftovers. */
  async discardShared(): Promise<void> {
    const { data, ports } = this.#options.paths;
    const names = await readdir(data);
    const leftovers = names.filter((name) => /^\.(template-|new-|old-)/.test(name)).map((name) => join(data, name));
    for (const path of [...leftovers, ports]) await rm(path, { recursive: true, force: true });
    this.#template = undefined;
  }

  async #start(service: Service, roles: readonly string[]): Promise<RunningDatabase> {
    const { paths, idleInTransaction, onLost } = this.#options;
    const folder = paths.database(service.database);
    const ports = await this.#rememberedPorts();
    const spec = {
      database: service.database,
      folder,
      template: existsSync(folder) ? '' : await this.#findTemplate(),
      owner: service.owner.role,
      admins: service.server.admin === undefined ? [] : [service.server.admin.role],
      roles,
      extensions: service.extensions.map(({ name }) => name),
      port: ports[service.database] ?? 0,
      idleInTransaction,
    };
    const running = await startDatabase(spec, (error) => {
      this.#open.delete(service.database);
      this.#running.delete(service.database);
      onLost(service, error);
    });
    if (ports[service.database] !== running.port) {
      ports[service.database] = running.port;
      await writeFile(paths.ports, JSON.stringify(ports));
    }
    return running;
  }

  #findTemplate(): Promise<string> {
    this.#template ??= this.#makeTemplate().catch((error: unknown) => {
      this.#template = undefined;
      throw error;
    });
    return this.#template;
  }

  async #makeTemplate(): Promise<string> {
    const { root, data, template } = this.#options.paths;
    const folder = template(await pgliteVersion());
    await mkdir(data, { recursive: true, mode: 0o700 });
    await close(root);
    if (!existsSync(folder)) await makeTemplate(folder);
    return folder;
  }

  /** Ports are chosen by the system but kept from run to run, so that a connection string noted elsewhere goes on to work. */
  #rememberedPorts(): Promise<Record<string, number>> {
    this.#ports ??= readFile(this.#options.paths.ports, 'utf8').then(parsePorts, () => ({}));
    return this.#ports;
  }
}

/** Data and logs are nobody else's to read, also where an earlier run or a hand left the folder open. */
async function close(folder: string): Promise<void> {
  const { mode } = await stat(folder);
  if ((mode & 0o077) !== 0) await chmod(folder, mode & 0o700);
}

function parsePorts(text: string): Record<string, number> {
  try {
    const value: unknown = JSON.parse(text);
    const entries = Object.entries(typeof value === 'object' && value !== null ? value : {});
    return Object.fromEntries(entries.filter((entry): entry is [string, number] => typeof entry[1] === 'number'));
  } catch {
    // Only a convenience: without it, ports are chosen afresh.
    return {};
  }
}

/** A template is of one version of PGlite: its catalog need not suit another. */
async function pgliteVersion(): Promise<string> {
  const entry = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const text = await readFile(join(dirname(entry), '..', 'package.json'), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

function unreachable(service: Service, cause: unknown): Failure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  const details = {
    server: service.server.name,
    host: '127.0.0.1',
    port: 0,
    database: service.database,
    probe: 'startup',
  } as const;
  return new Failure('server-unreachable', { ...details, reason, sqlstate: undefined, waited: 0 }, { cause });
}
