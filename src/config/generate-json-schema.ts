import { writeFileSync } from 'node:fs';
import { generateJsonSchemas } from './json-schema.ts';

// `npm run generate`: run after each change of schema.ts; a test fails where it was forgotten.
for (const [file, schema] of Object.entries(generateJsonSchemas())) {
  writeFileSync(new URL(file, import.meta.url), `${JSON.stringify(schema, undefined, 2)}\n`);
}
