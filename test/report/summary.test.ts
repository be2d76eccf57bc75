import { describe, expect, it } from 'vitest';
import { createStyle } from '../../src/report/style.ts';
import { formatSummary } from '../../src/report/summary.ts';
import { outcomes } from './outcomes.ts';
import { contextWith } from './support.ts';

describe('the summary', () => {
  it('is a row for each service, aligned also with wide characters, and a sentence', async () => {
    const all = Object.entries(outcomes).map(
      ([name, outcome]) => `[${name}]\n${formatSummary(outcome, contextWith(), createStyle(false))}`,
    );
    await expect(all.join('\n')).toMatchFileSnapshot('golden/summary.txt');
  });

  it('is one line where nothing was to be done', () => {
    const text = formatSummary(outcomes.unchanged, contextWith(), createStyle(true));
    expect(text).toBe('Nothing to do: 2 services at head and running (140 ms).\n');
  });

  it('leaves out columns rather than have its lines wrapped', () => {
    const text = formatSummary(outcomes.done, contextWith(), createStyle(false), 60);
    expect(text.split('\n').slice(1, 4)).toEqual([
      '   SERVICE   REVISION   URL',
      '✔  api-auth  002_x      http://127.0.0.1:8001/health',
      '✔  用户      005_names  http://127.0.0.1:8002/health',
    ]);
  });

  it('is silent for a run without services', () => {
    expect(formatSummary({ ...outcomes.done, services: [] }, contextWith(), createStyle(false))).toBe('');
  });
});
