import type { JsonSchema } from './json-schema.ts';

/**
 * Whether a value has the shape that a generated JSON Schema asks for: a plain yes or no.
 *
 * zod takes several ms to load and to build its schemas, a tenth of what `orch migrate` may take with nothing to do.
 * So a config is looked at with this first, and zod, which alone can say what is wrong, is loaded only after a no.
 * `$ref` leads to one definition, "a text with variables": after they were put in nothing conforms to that.
 */
export function conforms(schema: JsonSchema, value: unknown): boolean {
  if (schema['$ref'] !== undefined) return false;
  const anyOf = schema['anyOf'] as readonly JsonSchema[] | undefined;
  if (anyOf !== undefined && !anyOf.some((branch) => conforms(branch, value))) return false;
  const allowed = schema['enum'] as readonly unknown[] | undefined;
  if (allowed !== undefined && !allowed.includes(value)) return false;
  if (!hasType(schema['type'] as string | readonly string[] | undefined, value)) return false;
  if (typeof value === 'string') return isText(schema, value);
  if (typeof value === 'number') return isInRange(schema, value);
  if (Array.isArray(value)) return isList(schema, value);
  if (typeof value === 'object' && value !== null) return isMapping(schema, value as Record<string, unknown>);
  return true;
}

/** The keywords that `conforms` obeys, or may pass over. A test holds the generated schemas against them. */
export const KNOWN_KEYWORDS: readonly string[] = [
  ...['$ref', 'anyOf', 'enum', 'type', 'minLength', 'pattern', 'minimum', 'maximum', 'minItems', 'items'],
  ...['properties', 'required', 'additionalProperties', 'propertyNames'],
  ...['$schema', 'title', 'description', 'default', 'definitions'],
];

function hasType(type: string | readonly string[] | undefined, value: unknown): boolean {
  if (type === undefined) return true;
  if (typeof type !== 'string') return type.some((one) => hasType(one, value));
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function isText(schema: JsonSchema, value: string): boolean {
  if (value.length < ((schema['minLength'] as number | undefined) ?? 0)) return false;
  const pattern = schema['pattern'] as string | undefined;
  return pattern === undefined || new RegExp(pattern).test(value);
}

function isInRange(schema: JsonSchema, value: number): boolean {
  const minimum = (schema['minimum'] as number | undefined) ?? Number.NEGATIVE_INFINITY;
  const maximum = (schema['maximum'] as number | undefined) ?? Number.POSITIVE_INFINITY;
  return value >= minimum && value <= maximum;
}

function isList(schema: JsonSchema, value: readonly unknown[]): boolean {
  const items = schema['items'] as JsonSchema | undefined;
  if (value.length < ((schema['minItems'] as number | undefined) ?? 0)) return false;
  return items === undefined || value.every((item) => conforms(items, item));
}

function isMapping(schema: JsonSchema, value: Readonly<Record<string, unknown>>): boolean {
  const required = (schema['required'] as readonly string[] | undefined) ?? [];
  if (!required.every((key) => Object.hasOwn(value, key))) return false;
  const properties = (schema['properties'] as Readonly<Record<string, JsonSchema>> | undefined) ?? {};
  const names = schema['propertyNames'] as JsonSchema | undefined;
  const others = schema['additionalProperties'] as JsonSchema | boolean | undefined;
  return Object.entries(value).every(([key, item]) => {
    if (names !== undefined && !conforms(names, key)) return false;
    const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (own !== undefined) return conforms(own, item);
    return typeof others === 'object' ? conforms(others, item) : others !== false;
  });
}
