import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { findDocker } from '../support/docker.ts';
import { noPgBouncer } from '../support/pgbouncer.ts';

export type Need = 'docker' | 'mount' | 'pgbouncer';

const run = promisify(execFile);
const found = new Map<Need, Promise<string>>();

/** Why an injection with this need cannot be made here; empty: it can. */
export async function whyNot(need: Need | undefined): Promise<string> {
  if (need === undefined) return '';
  const known = found.get(need) ?? look(need);
  found.set(need, known);
  return await known;
}

async function look(need: Need): Promise<string> {
  if (need === 'docker') return (await findDocker(['pgvector/pgvector:pg17', 'node:24-trixie-slim'])).reason;
  if (need === 'pgbouncer') return noPgBouncer ?? '';
  return await canMount();
}

/** A full disk is a small tmpfs, which root alone may mount, and not in every container. */
async function canMount(): Promise<string> {
  if (process.getuid?.() !== 0) return 'a small file system needs root';
  const folder = await mkdtemp(join(tmpdir(), 'orch-mount-'));
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder]);
    await run('umount', [folder]);
    return '';
  } catch (error) {
    return `no tmpfs can be mounted: ${String(error).split('\n')[0]}`;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
