import { matrix } from './matrix.ts';
import type { Group, Injection, Row } from './row.ts';

/** A round of the schedule: every row as often as it weighs. Injection `seed` is the row at that place of its round. */
const round: readonly Row[] = matrix.flatMap((row) => Array.from({ length: row.weight }, () => row));

/** The injection with this number: the same row and the same places each time. @param seed from 1 */
function injectionOf(seed: number): Injection {
  const row = round[(seed - 1) % round.length];
  if (row === undefined) throw new RangeError(`${seed} is no number of an injection`);
  return { seed, row };
}

/**
 * What is to be done here, of one group. ORCH_FAULT_SEED=17,18 takes those; ORCH_FAULT_RUNS=1000 the first thousand, from
 * ORCH_FAULT_FROM on, without those in `done`; otherwise it is the quick form: the first few of each row.
 */
export function injectionsOf(group: Group, done: ReadonlySet<number>): readonly Injection[] {
  const { ORCH_FAULT_SEED, ORCH_FAULT_RUNS, ORCH_FAULT_FROM = '1' } = process.env;
  if (ORCH_FAULT_SEED) return chosen(ORCH_FAULT_SEED.split(',').map(Number), group);
  if (!ORCH_FAULT_RUNS) return chosen(quickSeeds(), group);
  const seeds = Array.from({ length: Number(ORCH_FAULT_RUNS) }, (_, index) => Number(ORCH_FAULT_FROM) + index);
  return chosen(
    seeds.filter((seed) => !done.has(seed)),
    group,
  );
}

function chosen(seeds: readonly number[], group: Group): readonly Injection[] {
  return seeds.map(injectionOf).filter(({ row }) => row.group === group && isRun(row));
}

/** Rows whose promise is not built yet are run only where that is asked for. */
function isRun(row: Row): boolean {
  return row.pending === undefined || Boolean(process.env.ORCH_FAULT_PENDING);
}

function quickSeeds(): readonly number[] {
  return matrix.flatMap((row) => {
    const first = round.indexOf(row) + 1;
    return Array.from({ length: row.quick }, (_, index) => first + index);
  });
}
