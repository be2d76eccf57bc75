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

  it('is silent for a run without services', () => {
    expect(formatSummary({ ...outcomes.done, services: [] }, contextWith(), createStyle(false))).toBe('');
  });
});
