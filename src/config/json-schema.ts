import * as z from 'zod';
import type { JsonSchema } from './conforms.ts';
import { orchestratorSchema, serviceSchema } from './schema.ts';

/** Editors see the text before variables are put in: wherever a value is limited, a text with `${…}` may stand too. */
const VARIABLE: JsonSchema = {
  description: 'A text with variables: ${NAME}, ${NAME:-default}, ${NAME:?message}; $$ is a dollar sign.',
  type: 'string',
  pattern: '\\$',
};

/** The JSON Schemas of both config files by file name, generated from the zod schemas. */
export function generateJsonSchemas(): Readonly<Record<string, JsonSchema>> {
  return {
    'orchestrator.schema.json': generate(orchestratorSchema),
    'service.schema.json': generate(serviceSchema),
  };
}

function generate(schema: z.ZodType): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as JsonSchema;
  return { $schema, ...allowVariables(rest), definitions: { variable: VARIABLE } };
}

function allowVariables(node: JsonSchema): JsonSchema {
  const { properties, items, additionalProperties, anyOf } = node;
  const inner: JsonSchema = {
    ...node,
    ...(properties && { properties: mapValues(properties, (property) => property && allowVariables(property)) }),
    ...(items && { items: allowVariables(items) }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: allowVariables(additionalProperties) }),
  };
  if (anyOf !== undefined) return withVariable(inner, anyOf);
  if (!isLimited(node)) return inner;
  const { description, default: fallback, ...limits } = inner;
  return withVariable({ ...(description && { description }), ...(fallback !== undefined && { default: fallback }) }, [
    limits,
  ]);
}

function withVariable(node: JsonSchema, branches: readonly JsonSchema[]): JsonSchema {
  const own = branches.map((branch) => (branch.type === 'object' ? allowVariables(branch) : branch));
  return { ...node, anyOf: [...own, { $ref: '#/definitions/variable' }] };
}

/** A scalar that not every text is. */
function isLimited({ type, enum: allowed, pattern }: JsonSchema): boolean {
  return (
    allowed !== undefined || pattern !== undefined || type === 'number' || type === 'integer' || type === 'boolean'
  );
}

function mapValues<T>(values: Readonly<Record<string, T>>, change: (value: T) => T): Record<string, T> {
  return Object.fromEntries(Object.entries(values).map(([key, value]) => [key, change(value)]));
}
