import { resolve } from 'node:path';
import type { Variable } from './interpolate.ts';
import { readSecretFile } from './secret.ts';

/** The environment of the process, as given to us. */
export type Variables = Readonly<Record<string, string | undefined>>;

/**
 * A variable by the convention of the official images: where `NAME` is not set and `NAME_FILE` is, the value is what
 * that file (relative to the working folder) holds. Only for values that may hold a secret: elsewhere `LOG_FILE` is
 * just another variable.
 */
export function findSecretVariable(env: Variables, cwd: string, name: string): Variable {
  const value = env[name];
  const file = env[`${name}_FILE`];
  if (file === undefined || file === '') return value === undefined ? undefined : { value };
  if (value !== undefined && value !== '')
    return { problem: `both ${name} and ${name}_FILE are set; one of them is enough` };
  const secret = readSecretFile(resolve(cwd, file));
  return 'value' in secret ? secret : { problem: `the file that ${name}_FILE names ${secret.problem}` };
}

/** A variable of that very name. */
export function findPlainVariable(env: Variables, name: string): Variable {
  const value = env[name];
  return value === undefined ? undefined : { value };
}
