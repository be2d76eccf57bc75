import type { TestProject } from 'vitest/node';
import { launchPostgres } from './postgres.ts';

/** A vitest global set-up: one PostgreSQL for all files of the project that names it. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { host, port, adminRole, adminPassword, hasVector, kind, stop } = await launchPostgres();
  project.provide('postgres', { host, port, adminRole, adminPassword, hasVector, kind });
  return stop;
}
