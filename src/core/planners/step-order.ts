import type { Step } from '../plan.ts';

/** More steps that a step waits for, by its id. */
export type MoreWaits = ReadonlyMap<string, readonly string[]>;

/** The steps with what more they wait for, each behind all those; or a cycle of ids, the first one repeated at the end. */
export type OrderedSteps = { readonly steps: readonly Step[] } | { readonly cycle: readonly string[] };

/** Puts steps in an order in which each comes after those it waits for; otherwise in the order given. */
export function orderSteps(steps: readonly Step[], more: MoreWaits): OrderedSteps {
  const all = steps.map((step) => {
    const waits = more.get(step.id);
    return waits === undefined ? step : { ...step, after: [...new Set([...step.after, ...waits])] };
  });
  const byId = new Map(all.map((step) => [step.id, step]));
  const ordered = new Set<Step>();
  for (const start of all) {
    const cycle = visit(start, byId, ordered);
    if (cycle !== undefined) return { cycle };
  }
  return { steps: [...ordered] };
}

interface Frame {
  readonly step: Step;
  next: number;
}

/** Depth first without recursion: a plan may have thousands of steps in one line. */
function visit(start: Step, byId: ReadonlyMap<string, Step>, ordered: Set<Step>): readonly string[] | undefined {
  const path: Frame[] = ordered.has(start) ? [] : [{ step: start, next: 0 }];
  const open = new Set(path.map(({ step }) => step.id));
  while (path.length > 0) {
    const frame = path[path.length - 1] as Frame;
    const before = byId.get(frame.step.after[frame.next] ?? '');
    if (frame.next >= frame.step.after.length) {
      ordered.add(frame.step);
      open.delete(frame.step.id);
      path.pop();
    } else if (before !== undefined && open.has(before.id)) {
      const from = path.findIndex(({ step }) => step.id === before.id);
      return [...path.slice(from).map(({ step }) => step.id), before.id];
    } else {
      frame.next += 1;
      if (before === undefined || ordered.has(before)) continue;
      open.add(before.id);
      path.push({ step: before, next: 0 });
    }
  }
  return undefined;
}

/**
 * Locks of services whose steps wait for each other, one after the other: two runs that each hold one lock and wait for
 * the other would wait for ever.
 * @param services names, in an order that is the same in every run
 */
export function chainLocks(steps: readonly Step[], services: readonly string[]): MoreWaits {
  const locks = services.flatMap(
    (name) => steps.find(({ kind, subject }) => kind === 'acquire-lock' && subject.service === name)?.id ?? [],
  );
  return new Map(locks.slice(1).map((id, index) => [id, [locks[index] as string]]));
}

/** Both together. */
export function mergeWaits(left: MoreWaits, right: MoreWaits): MoreWaits {
  const merged = new Map(left);
  for (const [id, waits] of right) merged.set(id, [...(merged.get(id) ?? []), ...waits]);
  return merged;
}
