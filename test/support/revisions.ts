import { createHash } from 'node:crypto';
import type { Revision } from '../../src/core/revision.ts';

/** An SQL revision as the revision store would load it; `name` such as `001_users`. */
export function sqlRevision(name: string, changes: Partial<Revision> & { readonly sql?: string } = {}): Revision {
  const { sql = 'SELECT 1', ...rest } = changes;
  return {
    kind: 'revision',
    id: name.split('_')[0] ?? name,
    name,
    message: name,
    parents: [],
    up: {
      language: 'sql',
      file: `/nowhere/${name}.up.sql`,
      text: sql,
      checksum: `v1:sha256:${createHash('sha256').update(sql).digest('hex')}`,
      transaction: 'single',
      statements: [],
      faults: [],
    },
    down: undefined,
    lockTimeout: undefined,
    statementTimeout: undefined,
    labels: [],
    requires: [],
    irreversible: undefined,
    variables: [],
    author: undefined,
    created: undefined,
    ...rest,
  } as Revision;
}
