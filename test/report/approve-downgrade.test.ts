import { expect, it } from 'vitest';
import { approveDowngrade } from '../../src/cli/approve.ts';
import type { Edge } from '../../src/cli/command-context.ts';
import type { Answers } from '../../src/report/answers.ts';
import { events } from './samples.ts';

/** What the person sees and is asked, in order, and what is decided. */
async function decide(yes: boolean, answer: string | undefined): Promise<readonly unknown[]> {
  const said: unknown[] = [];
  const ask = async (question: string): Promise<string> => {
    said.push(question);
    return answer ?? '';
  };
  const edge = { ask: answer === undefined ? undefined : ask } as unknown as Edge;
  const answers = { downgrade: async () => void said.push('the plan') } as unknown as Answers;
  return [...said, await approveDowngrade(edge, answers, yes)(events['plan-made'].plan), ...said];
}

it('asks on a terminal, below the plan; only yes is a yes', async () => {
  const question = 'Type yes to revert this: ';
  expect(await decide(false, 'yes')).toEqual([true, 'the plan', question]);
  expect(await decide(false, '')).toEqual([false, 'the plan', question]);
  expect(await decide(false, 'no')).toEqual([false, 'the plan', question]);
});

it('does not ask with --yes, and approves nothing where there is no terminal to ask on', async () => {
  expect(await decide(true, 'no')).toEqual([true, 'the plan']);
  expect(await decide(false, undefined)).toEqual([false, 'the plan']);
});
