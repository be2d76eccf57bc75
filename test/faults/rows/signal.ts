import { findRunning } from '../../support/blocked.ts';
import type { Ended, RunningOrch } from '../../support/orch.ts';
import { arm } from '../arm.ts';
import type { Row } from '../row.ts';
import { GATE, type Stage } from '../stage.ts';
import { services } from '../workload.ts';

const told = [/Interrupted|interrupted by|stopping \(/];
const stopped = { 130: told, 143: told } as const;
/** A signal may come when all is done, or before the program listens. */
const stoppedOrOver = { ...stopped, 0: [], SIGTERM: [], SIGINT: [] } as const;
/** The promise is 10 s, in ms. */
const LONGEST_STOP = 10_000;

/** Signals it and waits for its end; more than 10 s is a complaint. */
async function stop(stage: Stage, run: RunningOrch, signal: NodeJS.Signals): Promise<Ended> {
  const began = performance.now();
  run.child.kill(signal);
  return await timed(stage, run, () => began);
}

async function timed(stage: Stage, run: RunningOrch, began: () => number): Promise<Ended> {
  const ended = await run.ended;
  const took = performance.now() - began();
  if (took > LONGEST_STOP) stage.complaints.push(`it stopped only after ${Math.round(took)} ms`);
  return ended;
}

const either = ['SIGTERM', 'SIGINT'] as const;

export const signalRows: readonly Row[] = [
  {
    name: 'SIGTERM or SIGINT at any message',
    group: 'signal',
    weight: 20,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: async (stage) => {
      let began = performance.now();
      let send = (): unknown => undefined;
      const also = (): void => {
        began = performance.now();
        send();
      };
      arm(stage, { nth: stage.anyMessage(), verdict: 'pass', also });
      const run = stage.start();
      const signal = stage.draw.pick(either);
      send = () => run.child.kill(signal);
      return [await timed(stage, run, () => began)];
    },
    mayMiss: true,
    ends: stoppedOrOver,
  },
  {
    name: 'SIGTERM or SIGINT at any time',
    group: 'signal',
    weight: 10,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: async (stage) => {
      const run = stage.startDirect();
      const signal = stage.draw.pick(either);
      const timer = setTimeout(() => run.child.kill(signal), 20 + stage.draw.below(500));
      stage.hit = true;
      const ended = await run.ended;
      clearTimeout(timer);
      return [ended];
    },
    ends: stoppedOrOver,
  },
  {
    name: 'SIGTERM or SIGINT within a statement',
    group: 'signal',
    weight: 6,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 + draw.below(2) }),
    inject: async (stage) => {
      await stage.closeGate();
      const run = stage.startDirect();
      await findRunning(stage.project, 'api-a', '(7001)');
      stage.hit = true;
      return [await stop(stage, run, stage.draw.pick(either))];
    },
    ends: stopped,
    mend: (stage) => stage.openGate(),
  },
  {
    name: 'SIGTERM while the server does not answer',
    group: 'silence',
    weight: 3,
    // It takes the ten seconds that a stop may take.
    quick: 0,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 }),
    inject: async (stage) => {
      await stage.closeGate();
      const run = stage.start();
      await findRunning(stage.project, 'api-a', '(7001)');
      stage.hit = true;
      stage.proxy.stall();
      const ended = await stop(stage, run, 'SIGTERM');
      // Its machine closes the connections of a process that is gone.
      stage.proxy.cut(/./);
      return [ended];
    },
    ends: { 143: [/ending anyway/] },
    mendWhenReleased: (stage) => stage.openGate(),
  },
  {
    name: 'a second signal',
    group: 'signal',
    weight: 4,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 }),
    inject: async (stage) => {
      await stage.closeGate();
      const run = stage.start();
      await findRunning(stage.project, 'api-a', '(7001)');
      stage.hit = true;
      stage.proxy.stall();
      run.child.kill('SIGINT');
      await run.said('stopping (Ctrl-C)');
      const ended = await stop(stage, run, 'SIGINT');
      stage.proxy.cut(/./);
      return [ended];
    },
    ends: { 130: [] },
    mendWhenReleased: (stage) => stage.openGate(),
  },
  {
    name: 'SIGTERM while it waits for the lock',
    group: 'signal',
    weight: 4,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 }),
    inject: async (stage) => {
      const gate = await stage.closeGate();
      const holder = stage.startDirect();
      await gate.waiter();
      const waiting = stage.startDirect();
      await waiting.said('waiting for the lock');
      stage.hit = true;
      const ended = await stop(stage, waiting, 'SIGTERM');
      await gate.open();
      const other = await holder.ended;
      if (other.code !== 0) stage.complaints.push(`the holder ended with ${other.code}`);
      return [ended];
    },
    ends: { 143: told },
  },
];
