import { describe, expect, it } from 'vitest';
import { LatestLook } from '../../src/adapters/local/latest-look.ts';

/** Looks whose answers come when the test says so. */
function controlled(): { look: LatestLook<string>; answers: ((found: string | Error) => void)[] } {
  const answers: ((found: string | Error) => void)[] = [];
  const ask = (): Promise<string> =>
    new Promise((resolve, reject) => {
      answers.push((found) => (found instanceof Error ? reject(found) : resolve(found)));
    });
  return { look: new LatestLook(ask, 'nothing'), answers };
}

describe('of several looks at once', () => {
  it('the one that began last counts, in whatever order their answers come', async () => {
    const { look, answers } = controlled();
    const [first, second, third] = [look.renew(), look.renew(), look.renew()];
    answers[1]?.('a and b');
    await second;
    expect(look.found).toBe('a and b');
    answers[0]?.('a');
    await first;
    expect(look.found).toBe('a and b');
    answers[2]?.('a, b and c');
    await third;
    expect(look.found).toBe('a, b and c');
  });

  it('one that fails changes nothing, and keeps no other from counting', async () => {
    const { look, answers } = controlled();
    const [first, second] = [look.renew(), look.renew()];
    answers[1]?.(new Error('gone'));
    await expect(second).rejects.toThrow('gone');
    expect(look.found).toBe('nothing');
    answers[0]?.('a');
    await first;
    expect(look.found).toBe('a');
  });
});
