import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { JsonSchema } from '../../src/config/conforms.ts';
import { conforms } from '../../src/config/conforms.ts';
import { generateJsonSchemas } from '../../src/config/json-schema.ts';
import { orchestratorSchema, serviceSchema } from '../../src/config/schema.ts';
import { randomFrom } from './random.ts';

const generated = generateJsonSchemas();
const FORMS = [
  { file: 'orchestrator.schema.json', zod: orchestratorSchema },
  { file: 'service.schema.json', zod: serviceSchema },
] as const;

/** The keywords that `conforms` obeys, and those that it may pass over. */
const KNOWN_KEYWORDS: readonly string[] = [
  ...['$ref', 'anyOf', 'enum', 'type', 'minLength', 'pattern', 'minimum', 'maximum', 'minItems', 'items'],
  ...['properties', 'required', 'additionalProperties', 'propertyNames'],
  ...['$schema', 'title', 'description', 'default', 'definitions'],
];

function visit(schema: JsonSchema, look: (node: JsonSchema) => void): void {
  look(schema);
  const { properties = {}, anyOf = [], items, additionalProperties, propertyNames } = schema;
  for (const child of [...Object.values(properties), ...anyOf, items, additionalProperties, propertyNames]) {
    if (typeof child === 'object') visit(child, look);
  }
}

describe.each(FORMS)('$file', ({ file, zod }) => {
  const schema = generated[file] ?? {};

  it('is what the zod schema gives (npm run generate)', () => {
    const published: unknown = JSON.parse(readFileSync(new URL(`../../src/config/${file}`, import.meta.url), 'utf8'));
    expect(published).toEqual(schema);
  });

  it('describes every key, for editors', () => {
    visit(schema, ({ properties = {} }) => {
      for (const [key, property] of Object.entries(properties)) {
        expect(property?.description ?? '', key).toMatch(/\.$/);
      }
    });
  });

  it('has no keyword that the quick check does not know', () => {
    visit(schema, (node) => expect(KNOWN_KEYWORDS).toEqual(expect.arrayContaining(Object.keys(node))));
  });

  it('takes and refuses what zod takes and refuses', () => {
    const random = randomFrom(20);
    const seen = { taken: 0, refused: 0 };
    for (let run = 0; run < 6000; run += 1) {
      const value = random.mutated(EXAMPLES[file], MATERIAL);
      const expected = zod.safeParse(value).success;
      seen[expected ? 'taken' : 'refused'] += 1;
      expect(conforms(schema, value), JSON.stringify(value)).toBe(expected);
    }
    expect(seen.taken).toBeGreaterThan(500);
    expect(seen.refused).toBeGreaterThan(500);
  });
});

const EXAMPLES: Readonly<Record<string, unknown>> = {
  'orchestrator.schema.json': {
    project: 'shop',
    environment: 'test',
    compose: { files: ['compose.yaml'] },
    servers: { main: { url: 'postgres://h', password: 'x', container: 'postgres', readyTimeout: '60s' } },
    policies: {
      lockWait: '60s',
      lockTimeout: 0,
      lockRetry: '2m',
      statementTimeout: '1.5m',
      failFast: false,
      concurrency: 4,
    },
    templates: 'templates',
    naming: { ix: 'ix_{table}' },
    services: ['a/service.yaml'],
  },
  'service.schema.json': {
    name: 'api-auth',
    database: 'authdb',
    server: 'main',
    owner: { role: 'auth_owner', passwordFile: 'x' },
    prerequisites: {
      roles: [{ name: 'auth_app', password: 'x', access: 'application' }],
      extensions: ['pgcrypto', { name: 'vector', version: '0.5' }],
    },
    revisions: 'revisions',
    health: { url: 'http://127.0.0.1:8001/health', timeout: '60s' },
    needs: ['other'],
    local: { command: ['node'], port: 8001, environment: { A: 'x', B: 1, C: true } },
  },
};

const MATERIAL: readonly unknown[] = [
  ...[
    '',
    'x',
    'A',
    'a b',
    'ab\n',
    '60s',
    '1.5m',
    '-1s',
    '5',
    'true',
    'yes',
    'production',
    'http://x',
    'a'.repeat(63),
    'a'.repeat(64),
  ],
  ...['${X}', '$', 'é', '0.5', 'none', 'constructor', 'toString'],
  ...[0, 1, -1, 0.5, 64, 65, 65_535, 65_536, 1e21, Number.NaN, Number.POSITIVE_INFINITY, -0],
  ...[true, false, null, [], {}, [1], ['x'], { x: 1 }, { name: 'x' }, { url: 'u' }],
];
