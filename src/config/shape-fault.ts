import type * as z from 'zod';
import type { Fault } from '../core/fault.ts';
import { findNearest } from '../core/nearest.ts';
import type { ConfigDocument, ConfigPath } from './config-document.ts';
import type { JsonSchema } from './conforms.ts';
import { faultAt, quote } from './diagnostic.ts';
import { describeUnsafe } from './identifier.ts';
import { type Salvaged, salvage } from './salvage.ts';

type Issue = z.core.$ZodIssue;

/**
 * What is wrong with the shape of a document, in our words; zod says where. `rest`: what can be looked at further.
 * Keys that we don't know are no hindrance.
 */
export function explainShape(
  document: ConfigDocument,
  schema: z.ZodType,
  jsonSchema: JsonSchema,
): { readonly faults: readonly Fault[]; readonly rest: Salvaged | undefined } {
  const result = schema.safeParse(document.value);
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => flatten(issue, []));
  // A value that could not be read in the first place has its fault already.
  const known = new Set(document.faults.map((fault) => fault.line));
  const faults = issues
    .flatMap((issue) => explain(document, jsonSchema, issue))
    .filter((fault) => !known.has(fault.line));
  const wrong = issues.filter((issue) => issue.code !== 'unrecognized_keys').map((issue) => issue.path as ConfigPath);
  const hasShape = (value: unknown): boolean => {
    const again = schema.safeParse(value);
    return again.success || again.error.issues.every((issue) => issue.code === 'unrecognized_keys');
  };
  const rest = wrong.length === 0 ? { value: document.value, dropped: [] } : salvage(document.value, wrong, hasShape);
  return { faults, rest };
}

/** Of the forms that a value may have, the one whose kind it is; where it is of no kind, the union itself speaks. */
function flatten(issue: Issue, parent: ConfigPath): readonly Issue[] {
  const path = [...parent, ...(issue.path as ConfigPath)];
  const own = { ...issue, path } as Issue;
  if (issue.code !== 'invalid_union') return [own];
  const meant = issue.errors.filter(
    (branch) => !branch.some((one) => one.path.length === 0 && one.code === 'invalid_type'),
  );
  const [only] = meant;
  return meant.length === 1 && only !== undefined ? only.flatMap((one) => flatten(one, path)) : [own];
}

function explain(document: ConfigDocument, jsonSchema: JsonSchema, issue: Issue): readonly Fault[] {
  const path = issue.path as ConfigPath;
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => explainUnknownKey(document, [...path, key], knownKeys(jsonSchema, path)));
  }
  if (issue.code === 'invalid_key') {
    const expected = issue.issues[0]?.message ?? 'another name';
    return [
      faultAt(
        document,
        document.rangeOf(path, 'key'),
        `expected ${expected}, found ${quote(String(path.at(-1)))}`,
        undefined,
      ),
    ];
  }
  const value = valueAt(document.value, path);
  if (value === undefined) {
    const range = document.rangeOf(path, 'value');
    return [
      faultAt(document, range, `the key ${quote(String(path.at(-1)))} is missing`, `Expected: ${issue.message}.`),
    ];
  }
  const found = describe(value, document.isSecret(path) || path.at(-1) === 'url');
  const hint = typeof value === 'string' && !document.isSecret(path) ? describeUnsafe(value) : undefined;
  return [faultAt(document, document.rangeOf(path, 'value'), `expected ${issue.message}, found ${found}`, hint)];
}

function explainUnknownKey(document: ConfigDocument, path: ConfigPath, known: readonly string[]): Fault {
  const key = String(path.at(-1));
  const nearest = findNearest(key, known);
  const hint = nearest === undefined ? `Known here: ${known.join(', ')}.` : `Did you mean '${nearest}'?`;
  return faultAt(document, document.rangeOf(path, 'key'), `unknown key ${quote(key)}`, hint);
}

/** The keys that may stand in the mapping at that path. */
function knownKeys(schema: JsonSchema, path: ConfigPath): readonly string[] {
  const [step, ...rest] = path;
  return (schema.anyOf ?? [schema]).flatMap((form) => {
    const { properties = {}, items, additionalProperties } = form;
    if (step === undefined) return Object.keys(properties);
    const next = typeof step === 'number' ? items : (properties[step] ?? additionalProperties);
    return typeof next === 'object' ? knownKeys(next, rest) : [];
  });
}

function valueAt(value: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>(
    (current, step) =>
      typeof current === 'object' && current !== null && Object.hasOwn(current, step)
        ? (current as Record<string | number, unknown>)[step]
        : undefined,
    value,
  );
}

/** What was found, by its value or, where that is shown to nobody, by its kind. */
function describe(value: unknown, isSecret: boolean): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (value === '') return 'empty text';
  if (isSecret) return typeof value === 'string' ? 'other text' : `a ${typeof value}`;
  if (typeof value === 'string') return quote(value);
  return typeof value === 'number' ? `the number ${value}` : String(value);
}
