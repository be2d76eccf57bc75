import { execFile, spawn } from 'node:child_process';
import { promisify } from 'node:util';
import type { PostgresAddress } from './postgres.ts';

/** Takes a plain SQL dump of a database, as a guide's `pg_dump` by hand. */
export type PgDump = (database: string) => Promise<string>;

/**
 * A `pg_dump` that is not older than the server (it refuses a newer one): that of the server's own container, else the
 * one on the PATH; undefined: there is none.
 */
export async function findPgDump(postgres: PostgresAddress): Promise<PgDump | undefined> {
  if (postgres.kind === 'docker') {
    const container = (await run('docker', ['ps', '-q', '--filter', `publish=${postgres.port}`])).trim();
    return (database) => run('docker', ['exec', container, 'pg_dump', '-U', postgres.adminRole, database]);
  }
  const version = await run('pg_dump', ['--version']).catch(() => '');
  if (Number(/ (\d+)\./.exec(version)?.[1] ?? 0) < 17) return undefined;
  const { host, port, adminRole, adminPassword } = postgres;
  const env = { PATH: process.env.PATH, PGPASSWORD: adminPassword };
  return (database) => run('pg_dump', ['-h', host, '-p', String(port), '-U', adminRole, database], env);
}

async function run(program: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Runs a script with the `psql` of the server's own container, or the one on the PATH. */
export async function restore(postgres: PostgresAddress, database: string, script: string): Promise<void> {
  const { host, port, adminRole, adminPassword, kind } = postgres;
  const words = ['psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-U', adminRole, '-d', database];
  const container = kind === 'docker' ? (await run('docker', ['ps', '-q', '--filter', `publish=${port}`])).trim() : '';
  const [program = '', ...args] =
    kind === 'docker' ? ['docker', 'exec', '-i', container, ...words] : [...words, '-h', host, '-p', String(port)];
  const child = spawn(program, args, {
    env: { ...process.env, PGPASSWORD: adminPassword },
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  // psql ends at the first error, before it has read all.
  child.stdin.on('error', () => undefined);
  child.stdin.end(script);
  const code = await new Promise((resolve, reject) => void child.once('error', reject).once('close', resolve));
  if (code !== 0) throw new Error(`psql ended with ${String(code)}: ${said}`);
}
