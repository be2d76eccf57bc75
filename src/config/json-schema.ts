import * as z from 'zod';
import { orchestratorSchema, serviceSchema } from './schema.ts';

/** A node of a JSON Schema, as far as `conforms.ts` and the generator look into it. */
export interface JsonSchema {
  readonly [keyword: string]: unknown;
}

const SCALAR_LIMITS = ['enum', 'pattern', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'];

/** Editors see the text before variables are put in: wherever a value is limited, a text with `${…}` may stand too. */
const VARIABLE = {
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
  const result: Record<string, unknown> = { ...node };
  if (isSchemaMap(node['properties'])) {
    result['properties'] = Object.fromEntries(
      Object.entries(node['properties']).map(([key, value]) => [key, allowVariables(value as JsonSchema)]),
    );
  }
  if (isSchemaMap(node['items'])) result['items'] = allowVariables(node['items']);
  if (isSchemaMap(node['additionalProperties'])) {
    result['additionalProperties'] = allowVariables(node['additionalProperties']);
  }
  if (Array.isArray(node['anyOf'])) return withVariable(result, node['anyOf'] as readonly JsonSchema[]);
  if (node['type'] === 'object' || !isLimited(node)) return result;
  const { description, default: fallback, ...limits } = result;
  return withVariable({ ...(description === undefined ? {} : { description }), ...(fallback === undefined ? {} : { default: fallback }) }, [limits]);
}

function withVariable(node: JsonSchema, branches: readonly JsonSchema[]): JsonSchema {
  const own = branches.map((branch) => (branch['type'] === 'object' ? allowVariables(branch) : branch));
  return { ...node, anyOf: [...own, { $ref: '#/definitions/variable' }] };
}

function isLimited(node: JsonSchema): boolean {
  return SCALAR_LIMITS.some((keyword) => keyword in node) || node['type'] === 'number' || node['type'] === 'boolean';
}

function isSchemaMap(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
