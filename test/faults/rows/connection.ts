import type { Ended } from '../../support/orch.ts';
import type { Verdict } from '../../support/tcp-proxy.ts';
import { arm, messages, type Trap } from '../arm.ts';
import type { Row } from '../row.ts';
import { GATE, type Stage } from '../stage.ts';
import { services } from '../workload.ts';

/** Where it was cut off, it says what the state is; where it noticed nothing or could make sure, it goes on. */
const lost = [
  /connection to \S+ was lost|lock on \S+ was ended from outside|server main: |refused /,
  /orch (?:migrate|wait)/,
];
const lostOrDone = { 0: [], 8: lost } as const;
const notApplied = { 8: [/connection to \S+ was lost while committing/, /orch migrate/] } as const;

async function breakAt(stage: Stage, trap: Trap): Promise<readonly Ended[]> {
  arm(stage, trap);
  return [await stage.start().ended];
}

/** A trigger that runs at COMMIT and waits there for so long, or at the gate. */
function slowCommit(wait: string): string {
  return `CREATE TABLE slow (x int);
CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM ${wait}; RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON slow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION wait();
INSERT INTO slow VALUES (1);`;
}

const slowOne = /'003_special'[\s\S]*COMMIT$/;

/** Ends a session of the run as an administrator does (57P01), or the network does. */
async function endSession(stage: Stage, session: string): Promise<readonly Ended[]> {
  const gate = await stage.closeGate();
  const run = stage.start();
  await gate.waiter();
  stage.hit = true;
  if (stage.draw.below(2) === 0) stage.proxy.cut(new RegExp(`^orch ${session} `));
  else {
    await stage.project.sql(
      undefined,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = '${stage.project.database('api-a')}' AND application_name LIKE 'orch ${session} %'`,
    );
  }
  return [await run.ended];
}

const cuts: readonly Verdict[] = ['cut', 'cut-when-sent', 'cut-at-answer', 'cut-in-answer'];

export const connectionRows: readonly Row[] = [
  {
    name: 'cut before COMMIT reaches the server',
    group: 'connection',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => breakAt(stage, { at: messages.commit, nth: 1 + stage.draw.below(3), verdict: 'cut' }),
    ends: notApplied,
  },
  {
    name: 'cut when COMMIT was sent',
    group: 'connection',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => breakAt(stage, { at: messages.commit, nth: 1 + stage.draw.below(3), verdict: 'cut-when-sent' }),
    // The server may see the end of the connection first.
    ends: lostOrDone,
  },
  {
    name: 'cut when the answer to COMMIT comes',
    group: 'connection',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) =>
      breakAt(stage, {
        at: messages.commit,
        nth: 1 + stage.draw.below(3),
        verdict: stage.draw.pick<Verdict>(['cut-at-answer', 'cut-in-answer']),
      }),
    ends: { 0: [] },
  },
  {
    name: 'cut during a slow COMMIT, which the server then does',
    group: 'connection',
    weight: 3,
    quick: 1,
    // Shorter than the 500 ms after which the server looks for its client: later it would give the COMMIT up.
    scene: (draw) => ({ services: services(draw, { 3: slowCommit('pg_sleep(0.3)') }), applied: draw.below(3) }),
    inject: (stage) => breakAt(stage, { at: slowOne, verdict: 'cut-when-sent' }),
    ends: { 0: [] },
  },
  {
    name: 'cut during a slow COMMIT, which the server then gives up',
    group: 'connection',
    weight: 4,
    quick: 1,
    scene: (draw) => ({
      services: services(draw, { 3: slowCommit('pg_catalog.pg_advisory_xact_lock(7001)') }),
      applied: 1 + draw.below(2),
    }),
    inject: async (stage) => {
      await stage.closeGate();
      return await breakAt(stage, { at: slowOne, verdict: 'cut-when-sent' });
    },
    ends: notApplied,
    mend: (stage) => stage.openGate(),
  },
  {
    name: 'one connection cut at any message',
    group: 'connection',
    weight: 20,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => breakAt(stage, { nth: stage.anyMessage(), verdict: stage.draw.pick(cuts) }),
    mayMiss: true,
    ends: lostOrDone,
  },
  {
    name: 'all connections cut at any message',
    group: 'connection',
    weight: 10,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) =>
      breakAt(stage, {
        nth: stage.anyMessage(),
        verdict: stage.draw.pick(cuts),
        also: () => stage.proxy.cut(/^orch /),
      }),
    mayMiss: true,
    ends: lostOrDone,
  },
  {
    name: 'the session of the revision ended within a statement',
    group: 'connection',
    weight: 5,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 }),
    inject: (stage) => endSession(stage, 'worker'),
    ends: { 8: [/connection to \S+ was lost/, /orch migrate/] },
    mendWhenReleased: (stage) => stage.openGate(),
  },
  {
    name: 'the session with the lock ended within a statement',
    group: 'connection',
    weight: 5,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 }),
    inject: (stage) => endSession(stage, 'lock'),
    ends: { 8: [/the session that held the lock on \S+ was ended from outside/, /orch migrate/] },
    mendWhenReleased: (stage) => stage.openGate(),
  },
  {
    name: 'a network that is slow',
    group: 'connection',
    weight: 5,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: async (stage) => {
      stage.hit = true;
      stage.proxy.judge = () => ({ delay: stage.draw.below(50) });
      return [await stage.start().ended];
    },
    ends: { 0: [] },
  },
  {
    name: 'a network that is silent from any message on',
    group: 'silence',
    weight: 5,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: async (stage) => {
      const ended = await breakAt(stage, {
        nth: stage.anyMessage(),
        verdict: 'stall',
        also: () => stage.proxy.stall(),
      });
      stage.proxy.cut(/./);
      return ended;
    },
    mayMiss: true,
    // Silent from COMMIT on, and for as long as orch asks what became of it.
    ends: { ...lostOrDone, 9: [/applied whole or not at all/, /orch status/] },
  },
];
