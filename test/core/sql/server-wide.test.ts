import { expect, it } from 'vitest';
import { findServerWide } from '../../../src/core/sql/server-wide.ts';
import { revision } from '../support.ts';

function found(text: string): readonly (number | undefined)[] {
  const plain = revision('001_a');
  return findServerWide([{ ...plain, up: { ...plain.up, text } as typeof plain.up }]).map(({ line }) => line);
}

it.each([
  'CREATE ROLE app LOGIN',
  'create user app',
  'ALTER ROLE app SET search_path = x',
  'DROP GROUP g',
  "ALTER DATABASE shop SET search_path = 'x'",
  'CREATE DATABASE other',
  'ALTER SYSTEM SET work_mem = 1',
  'GRANT admin TO app',
  'REVOKE admin FROM app',
  'GRANT CONNECT ON DATABASE shop TO app',
  'GRANT SET ON PARAMETER work_mem TO app',
  "COMMENT ON DATABASE shop IS 'x'",
  'REASSIGN OWNED BY a TO b',
  '-- what for\nALTER /* this */ DATABASE shop RESET ALL',
])('reaches beyond its database: %s', (statement) => {
  expect(found(`SELECT 1;\n${statement}`)).toHaveLength(1);
});

it.each([
  'CREATE TABLE role (id int)',
  'CREATE USER MAPPING FOR app SERVER s',
  'GRANT SELECT ON TABLE users TO app',
  'GRANT ALL ON SCHEMA public TO app',
  'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO app',
  "COMMENT ON TABLE role IS 'on database x'",
  "INSERT INTO notes VALUES ('; CREATE ROLE app')",
  '-- CREATE ROLE app',
  'DO $$ BEGIN CREATE ROLE app; END $$',
  'SET ROLE app',
])('stays in its database: %s', (statement) => {
  expect(found(statement)).toEqual([]);
});

it('names the line', () => {
  expect(found('SELECT 1;\n\nALTER DATABASE x SET a = b;\nSELECT 2;\nCREATE ROLE y;')).toEqual([3, 5]);
});
