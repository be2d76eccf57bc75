import { describe, expect, it } from 'vitest';
import { chains, recordWay, recordWayInBlock, setsSession } from '../../../src/core/sql/record-way.ts';

describe('how a statement outside a transaction is recorded', () => {
  it.each([
    'INSERT INTO t VALUES (1)',
    '-- a note\nCREATE TABLE t (i int)',
    'SELECT create_hypertable($$t$$)',
    'CALL fill()',
    'DO $$ BEGIN PERFORM 1; END $$',
    'SET LOCAL role = x',
    'ALTER TYPE e ADD VALUE $$b$$',
    'CREATE SUBSCRIPTION s CONNECTION $$$$ PUBLICATION p WITH (connect = false)',
    'COPY t FROM STDIN',
  ])('%j goes with its record', (statement) => expect(recordWay(statement)).toBe('together'));

  it.each([
    'VACUUM t',
    'CREATE UNIQUE INDEX CONCURRENTLY ON t (i)',
    'REINDEX (CONCURRENTLY) TABLE t',
    'ALTER SYSTEM SET work_mem = 1',
    'SET ROLE other',
    '/* a note */ SET SESSION AUTHORIZATION other',
    'RESET ROLE',
    'BEGIN',
    'DISCARD ALL',
  ])('%j is recorded behind', (statement) => expect(recordWay(statement)).toBe('behind'));

  it.each([
    'CREATE DATABASE d',
    'DROP TABLESPACE s',
    'CREATE SUBSCRIPTION s CONNECTION $$$$ PUBLICATION p',
    'ALTER TABLE t DETACH PARTITION p CONCURRENTLY',
    'DO $$ BEGIN INSERT INTO t VALUES (1); COMMIT; END $$',
    "COMMIT PREPARED 'a'",
  ])('%j is announced before', (statement) => expect(recordWay(statement)).toBe('announced'));

  it('is another in a transaction that the text has begun: its COMMIT counts', () => {
    const ways = ['COMMIT', 'END WORK', 'INSERT INTO t VALUES (1)', 'ROLLBACK', "PREPARE TRANSACTION 'a'"].map(
      recordWayInBlock,
    );
    expect(ways).toEqual(['together', 'together', undefined, 'behind', 'announced']);
  });

  it('knows what begins the next transaction at once', () => {
    const chained = [
      'COMMIT AND CHAIN',
      'END TRANSACTION AND CHAIN',
      'COMMIT AND NO CHAIN',
      'COMMIT',
      'ROLLBACK AND CHAIN',
    ];
    expect(chained.map(chains)).toEqual([true, true, false, false, false]);
  });

  it('knows what is set for the session', () => {
    const set = ['SET a = 1', 'SET SESSION a = 1', 'SET LOCAL a = 1', 'SET TRANSACTION READ ONLY', 'SELECT 1'];
    expect(set.map(setsSession)).toEqual([true, true, false, false, false]);
  });
});
