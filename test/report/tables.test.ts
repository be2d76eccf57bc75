import { describe, expect, it } from 'vitest';
import { createAnswers } from '../../src/report/answers.ts';
import { alignColumns, displayWidth, truncateColumns } from '../../src/report/columns.ts';
import { createReporter } from '../../src/report/create-reporter.ts';
import type { StatusRow } from '../../src/report/tables.ts';
import { formatBytes, formatCount, formatDuration, formatList } from '../../src/report/units.ts';
import { events, failures, holder } from './samples.ts';
import { optionsWith, Recorder } from './support.ts';

const container = {
  state: 'running',
  health: 'healthy',
  upToDate: true,
  url: 'http://127.0.0.1:8001',
  image: 'shop/auth:1',
  imageMissing: false,
  id: 'abc',
} as const;
const row: StatusRow = {
  service: 'api-auth',
  database: 'authdb',
  heads: ['002_x'],
  appliedAt: '2026-11-20T10:00:00Z',
  applied: 2,
  pending: [],
  container,
  failure: undefined,
};
const rows: readonly StatusRow[] = [
  row,
  {
    ...row,
    service: 'api-user',
    heads: [],
    appliedAt: undefined,
    applied: 0,
    pending: ['001_a', '002_b', '003_c', '004_d'],
    container: { ...container, state: 'absent', health: 'none', image: undefined, url: undefined },
  },
  { ...row, service: 'api-admin', container: { ...container, upToDate: false } },
  {
    ...row,
    service: '管理',
    heads: [],
    pending: undefined,
    container: undefined,
    failure: failures['server-unreachable'],
  },
];

async function answered(
  ask: (answers: ReturnType<typeof createAnswers>) => Promise<void>,
): Promise<{ stdout: string; stderr: string }> {
  const stdout = new Recorder();
  const stderr = new Recorder();
  const options = optionsWith(stdout, stderr);
  await ask(createAnswers(options, createReporter(options)));
  return { stdout: stdout.text, stderr: stderr.text };
}

describe('answers', () => {
  it('are aligned tables in exactly this form', async () => {
    const { plan } = events['plan-made'];
    const loss = {
      database: 'authdb',
      tables: [
        { name: 'users', rows: 1200, exact: true },
        { name: 'log', rows: 90_000, exact: false },
      ],
      size: 8_800_000,
      sessions: [holder],
    };
    const all = [
      (await answered((answers) => answers.current(rows))).stdout,
      (await answered((answers) => answers.status(rows))).stdout,
      (await answered((answers) => answers.plan(plan))).stdout,
      (await answered((answers) => answers.plan({ ...plan, steps: [], refusals: [] }))).stdout,
      (await answered((answers) => answers.loss({ name: 'api-auth', database: 'authdb' }, loss))).stderr,
      (await answered((answers) => answers.loss({ name: 'api-auth', database: 'authdb' }, undefined))).stderr,
      (await answered((answers) => answers.stopped(['auth', 'postgres']))).stdout,
      (await answered((answers) => answers.stopped([]))).stdout,
      (await answered((answers) => answers.logLine({ service: 'api-auth', stream: 'stderr', text: 'a\u001b[31mb' })))
        .stdout,
    ];
    await expect(all.join('\n')).toMatchFileSnapshot('golden/answers.txt');
  });

  it('tell what befell a service in full on stderr', async () => {
    const { stderr } = await answered((answers) => answers.status(rows));
    expect(stderr).toContain('server main: 127.0.0.1:54329 refuses the login');
    expect(stderr.match(/now: /g)).toHaveLength(1);
  });
});

describe('columns', () => {
  it('count wide characters twice, combining marks and colours not at all', () => {
    expect(displayWidth('abc')).toBe(3);
    expect(displayWidth('名前')).toBe(4);
    expect(displayWidth('e\u0301')).toBe(1);
    expect(displayWidth('\u001b[31mred\u001b[39m')).toBe(3);
  });

  it('cut text between characters', () => {
    expect(truncateColumns('名前名前', 5)).toBe('名前…');
    expect(truncateColumns('abc', 3)).toBe('abc');
  });

  it('leave out a column without content', () => {
    const columns = [{ title: 'A' }, { title: 'B' }, { title: 'C', align: 'right' }] as const;
    expect(
      alignColumns(columns, [
        ['x', '', '1'],
        ['yy', '', '22'],
      ]),
    ).toEqual(['A    C', 'x    1', 'yy  22']);
  });
});

describe('quantities', () => {
  it.each([
    [0, '<1 ms'],
    [12.4, '12 ms'],
    [999.4, '999 ms'],
    [999.6, '1.0 s'],
    [3449, '3.4 s'],
    [9960, '10 s'],
    [59_499, '59 s'],
    [59_600, '1 min'],
    [125_000, '2 min 5 s'],
    [3_599_700, '1 h'],
    [3_720_000, '1 h 2 min'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('reads as people say it', () => {
    expect([formatBytes(1), formatBytes(1023), formatBytes(1536), formatBytes(15_000_000)]).toEqual([
      '1 byte',
      '1023 bytes',
      '1.5 kB',
      '14 MB',
    ]);
    expect([formatCount(1, 'step'), formatCount(2, 'step'), formatCount(0, 'query', 'queries')]).toEqual([
      '1 step',
      '2 steps',
      '0 queries',
    ]);
    expect([formatList([]), formatList(['a']), formatList(['a', 'b', 'c'])]).toEqual(['', 'a', 'a, b and c']);
  });
});
