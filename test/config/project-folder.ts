import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach } from 'vitest';
import { loadProject } from '../../src/config/load-project.ts';
import { Failure, isFailure } from '../../src/core/failure.ts';
import type { Fault } from '../../src/core/fault.ts';
import type { Project } from '../../src/core/project.ts';

/** File name -> text; a name that ends with `/` is a folder. */
export type Files = Readonly<Record<string, string | Uint8Array>>;

export const MAIN = `project: shop
environment: development
servers:
  main:
    url: postgresql://postgres@127.0.0.1:54329/postgres
    password: canary-admin
services:
  - a/service.yaml
  - b/service.yaml
`;

export const A = `name: api-a
database: adb
owner:
  role: a_owner
  password: canary-a
`;

export const B = `name: api-b
database: bdb
owner:
  role: b_owner
  password: canary-b
`;

/** A project that loads; each test puts its own files in place of some. */
export const GOOD: Files = {
  'orchestrator.config.yaml': MAIN,
  'a/service.yaml': A,
  'b/service.yaml': B,
  'a/revisions/': '',
  'b/revisions/': '',
};

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

export function makeFolder(files: Files): string {
  const root = mkdtempSync(join(tmpdir(), 'orch-config-'));
  folders.push(root);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(name.endsWith('/') ? join(root, name) : dirname(join(root, name)), { recursive: true });
    if (!name.endsWith('/')) writeFileSync(join(root, name), content);
  }
  return root;
}

export type Env = Readonly<Record<string, string>>;

export async function load(files: Files, env: Env = {}): Promise<Project> {
  return await loadProject({ cwd: makeFolder({ ...GOOD, ...files }), env });
}

export async function faultsIn(cwd: string, env: Env = {}, configPath?: string): Promise<readonly Fault[]> {
  try {
    await loadProject({ cwd, env, configPath });
    return [];
  } catch (error) {
    if (isFailure(error, 'config-invalid')) return error.details.faults;
    throw error;
  }
}

/** Faults as `file:line:column: message (hint)`. */
export async function faultLines(files: Files, env: Env = {}): Promise<readonly string[]> {
  return (await faultsIn(makeFolder({ ...GOOD, ...files }), env)).map(formatFault);
}

export function formatFault({ file, line, column, message, hint }: Fault): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  return `${place}: ${message}${hint === undefined ? '' : ` (${hint})`}`;
}

/** The failure of loading, whatever it is; anything that is no `Failure` is thrown on. */
export async function failureIn(cwd: string, env: Env = {}, configPath?: string): Promise<Failure | undefined> {
  try {
    await loadProject({ cwd, env, configPath });
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}
