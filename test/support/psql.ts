import { spawn } from 'node:child_process';
import type { PostgresAddress } from './postgres.ts';

export interface PsqlEnd {
  readonly code: number | null;
  readonly output: string;
}

export interface RunningPsql {
  readonly ended: Promise<PsqlEnd>;
  /** With SIGKILL. */
  kill(): void;
}

type Role = { readonly user: string; readonly password: string };

/** Runs a script as `psql -f -` does, with nothing of the user's own settings. */
export async function psql(postgres: PostgresAddress, database: string, script: string, role?: Role): Promise<PsqlEnd> {
  return await startPsql(postgres, database, script, role).ended;
}

/** As `psql`, without waiting for its end. */
export function startPsql(postgres: PostgresAddress, database: string, script: string, role?: Role): RunningPsql {
  const { host, port, adminRole, adminPassword } = postgres;
  const args = ['-X', '-q', '-h', host, '-p', String(port), '-U', role?.user ?? adminRole, '-d', database, '-f', '-'];
  const env = { PATH: process.env.PATH, PGPASSWORD: role?.password ?? adminPassword };
  const child = spawn('psql', args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  // psql ends at the first error, before it has read all.
  child.stdin.on('error', () => undefined);
  child.stdin.end(script);
  const ended = new Promise<PsqlEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
  return { ended, kill: () => void child.kill('SIGKILL') };
}
