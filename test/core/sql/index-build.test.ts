import { describe, expect, it, test } from 'vitest';
import { readIndexBuild } from '../../../src/core/sql/index-build.ts';
import { needsStrongLock } from '../../../src/core/sql/strong-lock.ts';

const create = { kind: 'create', ifNotExists: false };

test.each([
  ['CREATE INDEX CONCURRENTLY t_i ON t (i)', { ...create, index: 't_i', relation: 't' }],
  [
    'create unique index concurrently T_I on ONLY App.T using btree (i)',
    { ...create, index: 't_i', relation: 'App.T' },
  ],
  [
    'CREATE INDEX CONCURRENTLY IF NOT EXISTS t_i ON t (i)',
    { ...create, index: 't_i', relation: 't', ifNotExists: true },
  ],
  ['CREATE INDEX CONCURRENTLY ON t (i)', { ...create, index: undefined, relation: 't' }],
  [
    'CREATE INDEX /* c */ CONCURRENTLY -- d\n "T ""i""" ON "a b"."on"(i)',
    { ...create, index: 'T "i"', relation: '"a b"."on"' },
  ],
  ['CREATE INDEX CONCURRENTLY "on" ON t (i)', { ...create, index: 'on', relation: 't' }],
  ['CREATE INDEX CONCURRENTLY ÄB ON t (i)', { ...create, index: 'Äb', relation: 't' }],
  ['REINDEX INDEX CONCURRENTLY app.t_i', { kind: 'reindex-index', relation: 'app.t_i' }],
  ['REINDEX (VERBOSE, CONCURRENTLY) TABLE t', { kind: 'reindex-table', relation: 't' }],
  ['REINDEX SCHEMA CONCURRENTLY "My App"', { kind: 'reindex-schema', relation: '"My App"' }],
  ['reindex (concurrently) database', { kind: 'reindex-database', relation: '' }],
  ['REINDEX DATABASE CONCURRENTLY shop', { kind: 'reindex-database', relation: 'shop' }],
  ['DROP INDEX CONCURRENTLY IF EXISTS app.t_i', { kind: 'drop', relation: 'app.t_i' }],
])('%s is an index build', (statement, wanted) => {
  expect(readIndexBuild(statement)).toMatchObject(wanted);
});

test.each([
  'CREATE INDEX t_i ON t (i)',
  'CREATE INDEX "concurrently" ON t (i)',
  'REINDEX TABLE t',
  'REINDEX (CONCURRENTLY false) TABLE t',
  'REINDEX SCHEMA public',
  'REINDEX SYSTEM CONCURRENTLY postgres',
  'DROP INDEX t_i',
  'VACUUM t',
  'CREATE INDEX CONCURRENTLY',
  '',
])('%s is none', (statement) => {
  expect(readIndexBuild(statement)).toBeUndefined();
});

describe('a strong lock', () => {
  it.each([
    'ALTER TABLE t ADD COLUMN i int',
    'create index t_i on t (i)',
    '/* c */ DROP TABLE t',
    'REINDEX TABLE t',
    'REFRESH MATERIALIZED VIEW v',
    'GRANT SELECT ON t TO a',
  ])('is what %s needs', (statement) => expect(needsStrongLock(statement)).toBe(true));

  it.each([
    'CREATE INDEX CONCURRENTLY t_i ON t (i)',
    'DROP INDEX CONCURRENTLY t_i',
    'REINDEX TABLE CONCURRENTLY t',
    'REINDEX SCHEMA CONCURRENTLY public',
    'REINDEX DATABASE CONCURRENTLY',
    'VACUUM t',
    'ALTER TABLE t DETACH PARTITION p CONCURRENTLY',
    'UPDATE t SET i = 1',
    'CALL fill()',
    'DO $$ BEGIN DROP TABLE t; END $$',
    'SELECT 1',
    '"ALTER" x',
  ])('is not what %s waits for, or it cannot be sent again', (statement) =>
    expect(needsStrongLock(statement)).toBe(false),
  );
});
