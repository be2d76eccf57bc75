import { readdirSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import type { Fault } from '../../core/fault.ts';
import type { Service } from '../../core/project.ts';
import type { Revision } from '../../core/revision.ts';
import { createSqlText } from '../../core/sql/sql-text.ts';
import { checksumOf } from './checksum.ts';
import type { ProjectPaths } from './project-paths.ts';
import { readText, wholeFault } from './read-text.ts';
import { reasonOf } from './system-error.ts';

/**
 * The files of a service's schema as revisions of a history of their own, so that they run as revisions do and their
 * faults are told as those of revisions. Empty: it has none.
 * @throws Failure `revision-invalid`
 */
export function loadSchema(service: Service, paths: ProjectPaths): readonly Revision[] {
  const { schema } = service;
  if (schema === undefined) return [];
  const faults: Fault[] = [];
  const files = listFiles(schema, paths, faults);
  const texts = files.flatMap((file) => {
    const text = readFile(file, paths);
    if (typeof text === 'string') return [{ file, text }];
    faults.push(text);
    return [];
  });
  if (faults.length > 0) throw new Failure('revision-invalid', { service: service.name, faults });
  return texts.map(({ file, text }, at) => toRevision({ file, text, shown: paths.show(file) }, at, files[at - 1]));
}

function listFiles(schema: string, paths: ProjectPaths, faults: Fault[]): readonly string[] {
  try {
    if (!statSync(schema).isDirectory()) return [schema];
    const names = readdirSync(schema).filter((name) => name.endsWith('.sql') && !name.startsWith('.'));
    if (names.length === 0) faults.push(wholeFault(paths.show(schema), 'has no file that ends with .sql'));
    return names.sort().map((name) => join(schema, name));
  } catch (error) {
    faults.push(wholeFault(paths.show(schema), `cannot be read: ${reasonOf(error)}`));
    return [];
  }
}

function readFile(file: string, paths: ProjectPaths): string | Fault {
  const shown = paths.show(file);
  try {
    const real = paths.resolve(file);
    return real === undefined ? wholeFault(shown, 'leads to outside the project') : readText(real, shown);
  } catch (error) {
    return wholeFault(shown, `cannot be read: ${reasonOf(error)}`);
  }
}

function toRevision(
  { file, text, shown }: { readonly file: string; readonly text: string; readonly shown: string },
  at: number,
  previous: string | undefined,
): Revision {
  return {
    kind: 'revision',
    id: String(at + 1),
    name: basename(file),
    message: 'the schema as it is wanted',
    parents: previous === undefined ? [] : [basename(previous)],
    up: createSqlText({ file, shownFile: shown, text, checksum: checksumOf(text), transaction: undefined }),
    down: undefined,
    lockTimeout: undefined,
    statementTimeout: undefined,
    labels: [],
    requires: [],
    irreversible: undefined,
    variables: [],
    author: undefined,
    created: undefined,
  };
}
