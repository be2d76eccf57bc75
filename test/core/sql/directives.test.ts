import { expect, it } from 'vitest';
import { parseHead } from '../../../src/core/sql/directives.ts';

it('directives are read from the line comments at the head of a file', () => {
  const { directives, faults, end } = parseHead(
    [
      '-- Users and what belongs to them',
      '-- orch: message add the users table',
      '--orch:parents 001_a,002_b  003',
      '',
      '/* a block /* nested */ */ -- orch:transaction none',
      '-- orch: lock_timeout 5s',
      '-- orch: lock_retry 10m',
      '\t--\torch:\tstatement_timeout\t10m\t',
      '-- orch:labels billing, invoices',
      '-- orch:requires api-auth@002 api-user@003_profiles',
      '-- orch:irreversible the old values are gone',
      '-- orch:variables schema_name',
      '-- orch:author Ada Lovelace <ada@example.org>',
      '-- orch:created 2026-01-31T12:00Z',
      'SELECT 1;',
    ].join('\n'),
    '--',
  );
  expect(faults).toEqual([]);
  expect(directives).toMatchObject({
    message: 'add the users table',
    parents: ['001_a', '002_b', '003'],
    transaction: 'none',
    lockTimeout: 5_000,
    lockRetry: 600_000,
    statementTimeout: 600_000,
    labels: ['billing', 'invoices'],
    requires: [
      { service: 'api-auth', revision: '002' },
      { service: 'api-user', revision: '003_profiles' },
    ],
    irreversible: 'the old values are gone',
    variables: ['schema_name'],
    author: 'Ada Lovelace <ada@example.org>',
    created: '2026-01-31T12:00Z',
  });
  expect(end).toBeGreaterThan(0);
});

it('TypeScript files carry the same directives in their line comments', () => {
  const { directives, faults } = parseHead(
    '#!/usr/bin/env node\n/* x */\n// orch: parents none\n//orch:message b\nexport',
    '//',
  );
  expect(faults).toEqual([]);
  expect(directives).toMatchObject({ parents: [], message: 'b' });
});

it('a file without directives leaves everything undefined', () => {
  const undefinedOnes = { message: undefined, parents: undefined, transaction: undefined };
  expect(parseHead('', '--').directives).toMatchObject(undefinedOnes);
  expect(parseHead('SELECT 1; -- orch: message late', '--').directives).toMatchObject(undefinedOnes);
  expect(parseHead('/* -- orch: message hidden */', '--').directives).toMatchObject(undefinedOnes);
});

it.each([
  ['-- orch: mesage hello', '"mesage" is no directive', 'did you mean "message"?'],
  ['-- orch: lock-timeout 5s', '"lock-timeout" is no directive', 'did you mean "lock_timeout"?'],
  [
    '-- orch: frobnicate',
    '"frobnicate" is no directive',
    'the directives are message, parents, transaction, lock_timeout, lock_retry, statement_timeout, labels, requires, irreversible, variables, author, created',
  ],
  [
    '-- orch: created 2026-02-31x',
    '"2026-02-31x" is no value of the directive "created"',
    'write it as in `created 2026-01-31`',
  ],
  ['-- orch: requires 002', '"002" is no value of the directive "requires"', 'write it as in `requires api-auth@002`'],
  ['-- orch: message', 'the directive "message" has no value', 'write it as in `message add the users table`'],
  [
    '-- orch: transaction single',
    '"single" is no value of the directive "transaction"',
    'write it as in `transaction none`',
  ],
  ['-- orch: lock_timeout 5', '"5" is no value of the directive "lock_timeout"', 'write it as in `lock_timeout 5s`'],
  [
    '-- orch: lock_timeout 30d',
    '"30d" is no value of the directive "lock_timeout"',
    'write it as in `lock_timeout 5s`',
  ],
  [
    '-- orch: parents none 001',
    '"none 001" is no value of the directive "parents"',
    'write it as in `parents 001_users` or `parents none`',
  ],
  ['-- orch: message a\n-- orch: message b', 'the directive "message" is there twice', undefined],
])('%s is a fault', (text, message, hint) => {
  expect(parseHead(text, '--').faults).toEqual([{ offset: text.lastIndexOf('-- orch'), message, hint }]);
});

it.each([
  ['0', 0],
  ['500ms', 500],
  ['5s', 5_000],
  ['10m', 600_000],
  ['10min', 600_000],
  ['1h', 3_600_000],
])('a timeout of %s is %i ms', (value, expected) => {
  expect(parseHead(`-- orch: lock_timeout ${value}`, '--').directives.lockTimeout).toBe(expected);
});
