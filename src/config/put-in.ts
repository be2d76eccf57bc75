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

/** Puts variables into every text of a value, keys excepted, and notes what in it is secret. */
export function putVariablesIn(value: unknown, variables: VariablesFor): PutIn {
  const result = { secrets: new Set<string>(), secretPaths: [] as ConfigPath[], faults: [] as PutIn['faults'][number][] };
  const scalar = (text: string, path: ConfigPath): string => {
    const key = path.at(-1);
    const isNamedSecret = typeof key === 'string' && isSecretName(key);
    const find = variables(isNamedSecret || key === 'url');
    const put = text.includes('$') ? interpolate(text, find) : { text, names: [], faults: [] };
    for (const fault of put.faults) result.faults.push({ ...fault, path });
    if (put.text.includes('\0')) {
      result.faults.push({ path, expression: undefined, message: 'a NUL character is not taken', hint: undefined });
    }
    const secretNames = put.names.filter(isSecretName);
    for (const name of secretNames) {
      const variable = find(name);
      if (variable !== undefined && 'value' in variable) result.secrets.add(variable.value);
    }
    if (isNamedSecret) result.secrets.add(put.text);
    if (isNamedSecret || secretNames.length > 0) result.secretPaths.push(path);
    return put.text;
  };
  const put = (part: unknown, path: ConfigPath): unknown => {
    if (typeof part === 'string') return scalar(part, path);
    if (typeof part !== 'object' || part === null) {
      if (typeof path.at(-1) === 'string' && isSecretName(String(path.at(-1)))) result.secretPaths.push(path);
      return part;
    }
    if (Array.isArray(part)) return part.map((item, index) => put(item, [...path, index]));
    // No prototype: a key such as `constructor` is a key like any other.
    const copy: Record<string, unknown> = Object.create(null);
    for (const [key, item] of Object.entries(part)) copy[key] = put(item, [...path, key]);
    return copy;
  };
  const putIn = put(value, []);
  result.secrets.delete('');
  return { value: putIn, faults: result.faults, secrets: [...result.secrets], secretPaths: result.secretPaths };
}
