import type { ConfigPath, VariablesFor } from './config-document.ts';
import type { VariableFault } from './interpolate.ts';
import { interpolate } from './interpolate.ts';
import { isSecretName } from './secret.ts';

/** What came of putting variables into a value. */
export interface PutIn {
  readonly value: unknown;
  /** Values that must not be shown. */
  readonly secrets: readonly string[];
  /** Where they stand in the file. */
  readonly secretPaths: readonly ConfigPath[];
  readonly faults: readonly (Pick<VariableFault, 'message' | 'hint'> & {
    readonly path: ConfigPath;
    /** The part of the value that the fault is of; undefined: all of it. */
    readonly expression: string | undefined;
  })[];
}

interface Collector {
  readonly variables: VariablesFor;
  readonly secrets: Set<string>;
  readonly secretPaths: ConfigPath[];
  readonly faults: PutIn['faults'][number][];
}

/** Puts variables into every text of a value, keys excepted, and notes what in it is secret. */
export function putVariablesIn(value: unknown, variables: VariablesFor): PutIn {
  const collector: Collector = { variables, secrets: new Set(), secretPaths: [], faults: [] };
  const result = putInPart(value, [], collector);
  const { faults, secretPaths, secrets } = collector;
  return { value: result, faults, secretPaths, secrets: [...secrets].filter((secret) => secret !== '') };
}

function putInPart(part: unknown, path: ConfigPath, collector: Collector): unknown {
  // Whatever stands there, a number or a list by mistake, is meant to be secret.
  if (isSecretKey(path.at(-1))) collector.secretPaths.push(path);
  if (typeof part === 'string') return putInText(part, path, collector);
  if (typeof part !== 'object' || part === null) return part;
  if (Array.isArray(part)) return part.map((item, index) => putInPart(item, [...path, index], collector));
  // No prototype: a key such as `constructor` is a key like any other.
  const copy: Record<string, unknown> = Object.create(null);
  for (const [key, item] of Object.entries(part)) copy[key] = putInPart(item, [...path, key], collector);
  return copy;
}

function putInText(text: string, path: ConfigPath, collector: Collector): string {
  const key = path.at(-1);
  const find = collector.variables(isSecretKey(key) || key === 'url');
  const put = text.includes('$') ? interpolate(text, find) : { text, names: [], faults: [] };
  for (const fault of put.faults) collector.faults.push({ ...fault, path });
  if (put.text.includes('\0')) {
    collector.faults.push({ path, expression: undefined, message: 'a NUL character is not taken', hint: undefined });
  }
  if (isSecretKey(key)) collector.secrets.add(put.text);
  for (const name of put.names.filter(isSecretName)) {
    collector.secretPaths.push(path);
    const variable = find(name);
    if (variable !== undefined && 'value' in variable) collector.secrets.add(variable.value);
  }
  return put.text;
}

function isSecretKey(key: string | number | undefined): boolean {
  return typeof key === 'string' && isSecretName(key);
}
