/** A JSON Schema with the keywords that the generated ones have. */
export interface JsonSchema {
  readonly $schema?: string | undefined;
  readonly $ref?: string | undefined;
  readonly title?: string | undefined;
  readonly description?: string | undefined;
  readonly default?: unknown;
  readonly definitions?: Readonly<Record<string, JsonSchema>> | undefined;
  readonly type?: string | readonly string[] | undefined;
  readonly anyOf?: readonly JsonSchema[] | undefined;
  readonly enum?: readonly unknown[] | undefined;
  readonly minLength?: number | undefined;
  readonly pattern?: string | undefined;
  readonly minimum?: number | undefined;
  readonly maximum?: number | undefined;
  readonly minItems?: number | undefined;
  readonly items?: JsonSchema | undefined;
  readonly properties?: Readonly<Record<string, JsonSchema | undefined>> | undefined;
  readonly required?: readonly string[] | undefined;
  readonly additionalProperties?: JsonSchema | boolean | undefined;
  readonly propertyNames?: JsonSchema | undefined;
}

/**
 * Whether a value has the shape that a generated JSON Schema asks for: a plain yes or no.
 *
 * zod takes several ms to load and to build its schemas, a tenth of what `orch migrate` may take with nothing to do.
 * So a config is looked at with this first, and zod, which alone can say what is wrong, is loaded only after a no.
 * `$ref` leads to one definition, "a text with variables": after they were put in nothing conforms to that.
 */
export function conforms(schema: JsonSchema, value: unknown): boolean {
  if (schema.$ref !== undefined) return false;
  if (schema.anyOf !== undefined && !schema.anyOf.some((branch) => conforms(branch, value))) return false;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (!hasType(schema.type, value)) return false;
  if (typeof value === 'string') return isText(schema, value);
  if (typeof value === 'number') return isInRange(schema, value);
  if (Array.isArray(value)) return isList(schema, value);
  if (typeof value === 'object' && value !== null) return isMapping(schema, value as Record<string, unknown>);
  return true;
}

function hasType(type: JsonSchema['type'], value: unknown): boolean {
  if (type === undefined) return true;
  if (typeof type !== 'string') return type.some((one) => hasType(one, value));
  if (type === 'integer') return Number.isSafeInteger(value);
  if (type === 'number') return Number.isFinite(value);
  if (type === 'array') return Array.isArray(value);
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value);
  return typeof value === type;
}

function isText({ minLength = 0, pattern }: JsonSchema, value: string): boolean {
  return value.length >= minLength && (pattern === undefined || new RegExp(pattern).test(value));
}

function isInRange(schema: JsonSchema, value: number): boolean {
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = schema;
  return value >= minimum && value <= maximum;
}

function isList({ items, minItems = 0 }: JsonSchema, value: readonly unknown[]): boolean {
  return value.length >= minItems && (items === undefined || value.every((item) => conforms(items, item)));
}

function isMapping(schema: JsonSchema, value: Readonly<Record<string, unknown>>): boolean {
  const { required = [], properties = {}, propertyNames, additionalProperties: others } = schema;
  if (!required.every((key) => Object.hasOwn(value, key))) return false;
  return Object.entries(value).every(([key, item]) => {
    if (propertyNames !== undefined && !conforms(propertyNames, key)) return false;
    const own = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (own !== undefined) return conforms(own, item);
    return typeof others === 'object' ? conforms(others, item) : others !== false;
  });
}
