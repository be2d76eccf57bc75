import { describe, expect, it } from 'vitest';
import type { Drop, StepOf } from '../../src/core/plan.ts';
import { formatDowngrade } from '../../src/report/downgrade-table.ts';
import { createStyle } from '../../src/report/style.ts';
import { steps } from './samples.ts';
import { contextWith } from './support.ts';

const drop = (fields: Partial<Drop>): Drop => ({
  what: 'table',
  table: 'users',
  column: undefined,
  rows: 1,
  exact: true,
  ...fields,
});

function table(...reverts: readonly Partial<StepOf<'revert-revision'>>[]): string {
  const made = reverts.map((fields) => ({ ...steps['revert-revision'], ...fields }));
  return formatDowngrade({ goal: 'downgrade', steps: made, refusals: [] }, contextWith(), createStyle(false));
}

describe('what a downgrade takes back', () => {
  it('names each revision in order, why, and what data goes', () => {
    const many = [
      drop({}),
      drop({ what: 'column', column: 'email', rows: 5000, exact: false }),
      drop({ what: 'rows', table: 'logs', rows: 0 }),
      drop({ table: 'gone', rows: undefined }),
    ];
    expect(table({ drops: many, because: 'it is above base' }, { drops: [] })).toBe(
      `2 revisions of 1 database to be reverted, in this order:
SERVICE   DATABASE  REVERT  BECAUSE           DATA THAT GOES
api-auth  authdb    002_x   it is above base  table users (1 row)
                                              column users.email (about 5000 rows)
                                              rows of logs (of 0 rows)
                                              table gone (not there now)
api-auth  authdb    002_x   it is pending     none that its statements name
`,
    );
  });

  it('does not pretend to know what code drops', () => {
    const file = '/f.ts';
    const down = {
      language: 'typescript',
      file,
      text: '',
      checksum: '',
      direction: 'down',
      transaction: 'single',
    } as const;
    expect(table({ revision: { ...steps['revert-revision'].revision, down } })).toContain(
      'not known beforehand: its down is code',
    );
  });

  it('lets no name steer the terminal', () => {
    expect(table({ drops: [drop({ table: 'a\u001b[2J' })] })).toContain('table a\\x1b[2J');
  });
});
