import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ProcessIdentity } from './process-identity.ts';

/** What the holder tells other orch processes. */
export interface LocalState {
  readonly format: 1;
  readonly holder: ProcessIdentity;
  readonly control: { readonly port: number; readonly token: string };
  readonly databases: readonly DatabaseState[];
  readonly services: readonly ServiceState[];
}

export interface DatabaseState {
  readonly database: string;
  readonly host: string;
  readonly port: number;
}

export interface ServiceState {
  readonly service: string;
  readonly process: ProcessIdentity;
  readonly url: string | undefined;
  /** Bytes in its log file that are older than the process. */
  readonly logStart: number;
  /** Fingerprint of what it was started with. */
  readonly madeFrom: string;
  /** Undefined: it runs. */
  readonly exit: ServiceExit | undefined;
}

export interface ServiceExit {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

/** What was found where the state is kept. */
export type FoundState =
  | { readonly kind: 'none' }
  | { readonly kind: 'state'; readonly state: LocalState }
  | { readonly kind: 'unreadable'; readonly reason: string };

/** Reads the state of the last holder, alive or not. */
export async function loadState(file: string): Promise<FoundState> {
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'));
    return isState(value)
      ? { kind: 'state', state: value }
      : { kind: 'unreadable', reason: 'not of the expected layout' };
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return { kind: 'none' };
    return { kind: 'unreadable', reason: error instanceof Error ? error.message : String(error) };
  }
}

/** Replaces the state as a whole: a reader never sees half of it. Only the user can read it, since it has the token. */
export async function saveState(file: string, state: LocalState): Promise<void> {
  const fresh = `${file}.${state.holder.pid}.new`;
  await writeFile(fresh, `${JSON.stringify(state, undefined, 2)}\n`, { mode: 0o600 });
  await rename(fresh, file);
}

export async function removeState(file: string): Promise<void> {
  await rm(file, { force: true });
}

function isState(value: unknown): value is LocalState {
  if (!isObject(value) || value.format !== 1) return false;
  const { holder, control, databases, services } = value;
  if (!isObject(holder) || typeof holder.pid !== 'number' || !isObject(control)) return false;
  if (typeof control.port !== 'number' || typeof control.token !== 'string') return false;
  if (!Array.isArray(databases) || !Array.isArray(services)) return false;
  return databases.every(isDatabase) && services.every(isService);
}

function isDatabase(value: unknown): boolean {
  return (
    isObject(value) &&
    typeof value.database === 'string' &&
    typeof value.host === 'string' &&
    typeof value.port === 'number'
  );
}

function isService(value: unknown): boolean {
  if (!isObject(value) || typeof value.service !== 'string' || typeof value.madeFrom !== 'string') return false;
  return isObject(value.process) && typeof value.process.pid === 'number';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
