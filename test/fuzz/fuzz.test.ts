import { describe, expect, it } from 'vitest';
import { attacks } from './attacks.ts';
import { commands, makeCase, shop } from './fuzz-case.ts';
import { runs, seed, told } from './settings.ts';
import { runCases } from './watch.ts';

describe('a project with spoilt files', () => {
  it('is refused in words with a place, or planned: no crash, no hang, no stack trace, nothing written or run', async () => {
    const { wrong, codes } = await runCases(seed, 0, runs);
    expect(told(wrong), `seed ${seed}, ${runs} cases`).toEqual([]);
    const count = Object.values(codes).reduce((sum, one) => sum + one, 0);
    expect(count).toBe(runs);
    // Cases that all end at the first fault would show nothing of what comes behind it.
    expect(codes['0'] ?? 0).toBeGreaterThan(runs / 20);
    expect(codes['2'] ?? 0).toBeGreaterThan(runs / 5);
  });

  it('as long, as deep and as repetitive as they may be takes no stack, no memory and no time to speak of', async () => {
    const { wrong } = await runCases('attacks', 0, attacks.length);
    expect(told(wrong, 'attacks')).toEqual([]);
  });

  it('comes again with its number', () => {
    const first = makeCase(7, 11);
    for (let index = 0; index < 5; index += 1) makeCase(3, index);
    expect(makeCase(7, 11)).toEqual(first);
    expect(makeCase(7, 12)).not.toEqual(first);
    expect(makeCase(8, 11)).not.toEqual(first);
    expect([...first.entries.keys()].length).toBeGreaterThan(shop.size / 2);
    expect(commands.length).toBeGreaterThan(10);
  });
});
