import { describe, expect, it } from 'vitest';
import { approveBaseline } from '../../src/cli/approve.ts';
import type { Edge } from '../../src/cli/command-context.ts';
import type { ServiceBaseline } from '../../src/core/answers/baseline.ts';
import type { Difference } from '../../src/core/schema/diff.ts';
import { formatBaseline } from '../../src/report/baseline-answer.ts';
import { phraseDifference } from '../../src/report/difference-phrases.ts';
import { createStyle } from '../../src/report/style.ts';
import { failures } from './samples.ts';
import { contextWith } from './support.ts';

const nothing: ServiceBaseline = {
  service: 'api-auth',
  database: 'authdb',
  verdict: 'empty',
  heads: [],
  stamps: [],
  alike: [],
  differences: [],
  ledgers: [],
  foreign: [],
  seeds: [],
  failure: undefined,
};

const text = (changes: Partial<ServiceBaseline>): string =>
  formatBaseline([{ ...nothing, ...changes }], contextWith(), createStyle(false));

describe('what a database was found to be', () => {
  it('a match: what would be stamped, what it cannot be told from, what others say, what comes next', () => {
    const row = {
      verdict: 'match',
      heads: ['003_c'],
      stamps: ['001_a', '002_b', '003_c'],
      alike: [['001_a'], ['002_b']],
      ledgers: [
        { tool: 'Alembic', table: 'alembic_version', version: '5f3a' },
        { tool: 'Knex', table: 'knex_migrations_lock', version: undefined },
      ],
      foreign: [
        { name: 'public.a', owner: 'postgres' },
        { name: 'public.b', owner: 'postgres' },
      ],
      seeds: ['001_demo'],
    } as const;
    expect(text(row)).toBe(`✔ api-auth (authdb): is just what 003_c leaves
    alembic_version says 5f3a (Alembic)
    knex_migrations_lock is there, of Knex
    to be recorded as applied, without running: 001_a, 002_b and 003_c
    the catalog can't tell 003_c from 001_a and 002_b: between them only rows, or nothing, changed
      if 003_c was not run here: orch stamp --service api-auth 001_a --reason '…'
    orch migrate will then apply the seeds 001_demo
    2 objects, such as public.a, belong to postgres: revisions, which run as the owner, can't change them
`);
  });

  it('base, a ledger, nothing, no match, no comparison', () => {
    const match = text({ verdict: 'match' });
    expect(match).toContain('is just what base leaves');
    expect(match).toContain('to be recorded as applied, without running: nothing');
    expect(text({ verdict: 'ledger', heads: ['002_b'] })).toBe(
      '✔ api-auth (authdb): has a ledger, which says 002_b: nothing to baseline (orch current --service api-auth)\n',
    );
    expect(text({ verdict: 'empty' })).toBe(
      '✔ api-auth (authdb): is empty: nothing to baseline (orch migrate --service api-auth)\n',
    );
    const failure = failures['baseline-unmatched'];
    const { differences } = failure.details;
    expect(text({ verdict: 'differs', heads: ['002_x'], differences, failure })).toBe(
      '✖ api-auth (authdb): is what no revision leaves; the nearest is 002_x, with 3 differences\n',
    );
    expect(text({ verdict: 'failed', failure })).toBe('✖ api-auth (authdb): could not be compared\n');
  });
});

describe('a difference in words', () => {
  const object = { kind: 'function', name: 'public.f()', of: undefined } as const;
  const changed = (field: 'definition' | 'comment', wanted?: string, found?: string): Difference => ({
    ...{ what: 'changed', object, field, wanted, found },
  });

  it.each([
    [changed('comment', 'a', undefined), 'function public.f(): comment is the default, and should be a'],
    [changed('comment', undefined, 'b'), 'function public.f(): comment is b, and should be the default'],
    [
      changed('definition', 'BEGIN\n  a;\n  RETURN 1;\nEND', 'BEGIN\n  a;\n  RETURN 2;\nEND'),
      'function public.f(): another definition, from line 3 on: …2;, and should be …1;',
    ],
    [
      changed('definition', 'BEGIN\nEND', 'BEGIN\nEND\n-- x'),
      'function public.f(): another definition, from line 3 on: -- x, and should be nothing',
    ],
    [{ what: 'missing', object: { kind: 'trigger', name: 't', of: 'public.a' } }, 'trigger t on public.a is missing'],
    [
      { what: 'extra', object: { kind: 'column', name: 'c', of: 'public.a' } },
      'column public.a.c is there, and should not be',
    ],
    [
      { what: 'extra', object: { kind: 'sequence', name: 'public.s', of: 'public.a' } },
      'sequence public.s is there, and should not be',
    ],
    [
      { what: 'extra', object: { kind: 'other', name: 'operator public.=(int)', of: undefined } },
      'operator public.=(int) is there, and should not be',
    ],
  ] as const satisfies readonly (readonly [Difference, string])[])('%#', (difference, expected) => {
    expect(phraseDifference(difference)).toBe(expected);
  });

  it('is never longer than a few lines of a terminal', () => {
    const long = changed('definition', `a ${'x'.repeat(5_000)}`, `a ${'y'.repeat(5_000)}`);
    expect(phraseDifference(long).length).toBeLessThan(200);
  });
});

describe('the question', () => {
  async function decide(yes: boolean, answer: string | undefined): Promise<readonly unknown[]> {
    const said: string[] = [];
    const ask = async (question: string): Promise<string> => {
      said.push(question);
      return answer ?? '';
    };
    const edge = { ask: answer === undefined ? undefined : ask } as unknown as Edge;
    const matched = [
      { database: 'authdb', heads: ['002_b'] },
      { database: 'apidb', heads: [] },
    ];
    return [await approveBaseline(edge, yes)(matched), ...said];
  }

  it('is asked on a terminal; only yes is a yes', async () => {
    const question = 'Type yes to stamp authdb as 002_b, apidb as base: ';
    expect(await decide(false, 'yes')).toEqual([true, question]);
    expect(await decide(false, '')).toEqual([false, question]);
    expect(await decide(false, 'no')).toEqual([false, question]);
  });

  it('is not asked with --yes, and nobody consents where there is no terminal', async () => {
    expect(await decide(true, 'no')).toEqual([true]);
    expect(await decide(false, undefined)).toEqual([false]);
  });
});
