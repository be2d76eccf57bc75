import { readFileSync, writeFileSync } from 'node:fs';
import { generateJsonSchemas } from '../config/json-schema.ts';
import { withJsonTable } from './json-table.ts';

// `npm run generate`: what is written from one source in several places. Tests fail where it was forgotten.
for (const [file, schema] of Object.entries(generateJsonSchemas())) {
  writeFileSync(new URL(`../config/${file}`, import.meta.url), `${JSON.stringify(schema, undefined, 2)}\n`);
}
const readme = new URL('../../README.md', import.meta.url);
writeFileSync(readme, withJsonTable(readFileSync(readme, 'utf8')));
