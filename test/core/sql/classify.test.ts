import { expect, it } from 'vitest';
import { classifyStatement } from '../../../src/core/sql/classify.ts';

function classify(text: string): string {
  const { class: found, name } = classifyStatement(text, 0, text.length);
  return found === 'plain' ? found : `${found} ${name}`;
}

it.each([
  ['create unique index concurrently i on t (a);', 'outside CREATE INDEX CONCURRENTLY'],
  ['CREATE /* now */ INDEX CONCURRENTLY IF NOT EXISTS i ON t (a)', 'outside CREATE INDEX CONCURRENTLY'],
  ['DROP INDEX CONCURRENTLY i', 'outside DROP INDEX CONCURRENTLY'],
  ['REINDEX INDEX CONCURRENTLY i', 'outside REINDEX CONCURRENTLY'],
  ['REINDEX (VERBOSE) TABLE CONCURRENTLY t', 'outside REINDEX CONCURRENTLY'],
  ['REINDEX (CONCURRENTLY, VERBOSE) TABLE t', 'outside REINDEX CONCURRENTLY'],
  ['REINDEX DATABASE d', 'outside REINDEX DATABASE'],
  ['REINDEX SYSTEM d', 'outside REINDEX SYSTEM'],
  ['REINDEX (VERBOSE) SCHEMA s', 'outside REINDEX SCHEMA'],
  ['VACUUM', 'outside VACUUM'],
  ['vacuum (full) t;', 'outside VACUUM'],
  ['CREATE DATABASE d', 'outside CREATE DATABASE'],
  ['DROP DATABASE IF EXISTS d', 'outside DROP DATABASE'],
  ["CREATE TABLESPACE s LOCATION '/x'", 'outside CREATE TABLESPACE'],
  ['DROP TABLESPACE s', 'outside DROP TABLESPACE'],
  ['ALTER SYSTEM SET work_mem = 1', 'outside ALTER SYSTEM'],
  ['ALTER DATABASE "set" SET TABLESPACE s', 'outside ALTER DATABASE … SET TABLESPACE'],
  ['CLUSTER', 'outside CLUSTER'],
  ['CLUSTER VERBOSE;', 'outside CLUSTER'],
  ['CLUSTER (VERBOSE);', 'outside CLUSTER'],
  ['ALTER TABLE a.b DETACH PARTITION a.c CONCURRENTLY;', 'outside ALTER TABLE … DETACH PARTITION … CONCURRENTLY'],
  ["CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p", 'outside CREATE SUBSCRIPTION'],
  ['DROP SUBSCRIPTION s', 'outside DROP SUBSCRIPTION'],
  ['ALTER SUBSCRIPTION s REFRESH PUBLICATION', 'outside ALTER SUBSCRIPTION … REFRESH PUBLICATION'],
  ['DISCARD ALL', 'outside DISCARD ALL'],
])('%s cannot run in a transaction', (text, expected) => {
  expect(classify(text)).toBe(expected);
});

it.each([
  ['BEGIN', 'control BEGIN'],
  ['begin isolation level serializable;', 'control BEGIN'],
  ['START TRANSACTION READ ONLY', 'control START TRANSACTION'],
  ['COMMIT AND CHAIN', 'control COMMIT'],
  ['END', 'control END'],
  ['ROLLBACK', 'control ROLLBACK'],
  ['ROLLBACK WORK;', 'control ROLLBACK'],
  ['ABORT', 'control ABORT'],
  ["PREPARE TRANSACTION 'x'", 'control PREPARE TRANSACTION'],
  ["COMMIT PREPARED 'x'", 'control COMMIT PREPARED'],
  ["ROLLBACK PREPARED 'x'", 'control ROLLBACK PREPARED'],
])('%s is transaction control', (text, expected) => {
  expect(classify(text)).toBe(expected);
});

it.each([
  'SAVEPOINT a',
  'RELEASE a',
  'ROLLBACK TO a',
  'ROLLBACK WORK TO SAVEPOINT a',
  'SET TRANSACTION READ ONLY',
  'PREPARE transaction AS SELECT 1',
  'PREPARE p AS SELECT 1',
  'CREATE INDEX i ON t (concurrently)',
  'CREATE INDEX "concurrently" ON t (a)',
  'REFRESH MATERIALIZED VIEW CONCURRENTLY v',
  'REINDEX TABLE t',
  'REINDEX (CONCURRENTLY false) TABLE t',
  'REINDEX (VERBOSE) INDEX i',
  'CLUSTER t USING i',
  'CLUSTER VERBOSE t',
  'ANALYZE t',
  'DISCARD TEMP',
  'ALTER DATABASE d SET search_path = a',
  'ALTER TABLE t DETACH PARTITION c',
  "ALTER TABLE t ADD COLUMN c text DEFAULT 'detach partition concurrently'",
  "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (connect = false)",
  "CREATE SUBSCRIPTION s CONNECTION 'x' PUBLICATION p WITH (create_slot = 'off')",
  "COMMENT ON TABLE t IS 'VACUUM'",
  'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END',
  'DO $$ BEGIN COMMIT; END $$',
  '"vacuum"',
  'constructor',
])('%s runs in a transaction', (text) => {
  expect(classify(text)).toBe('plain');
});
