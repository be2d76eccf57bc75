import pg from 'pg';
import { onTestFinished } from 'vitest';
import { findRunning } from '../../support/blocked.ts';
import { canary } from '../../support/canary.ts';
import type { Ended } from '../../support/orch.ts';
import type { Verdict } from '../../support/tcp-proxy.ts';
import { arm, messages, type Trap } from '../arm.ts';
import type { Row } from '../row.ts';
import { GATE, type Stage } from '../stage.ts';
import { history, services } from '../workload.ts';

const killed = { SIGKILL: [] } as const;
const killedOrDone = { SIGKILL: [], 0: [] } as const;

const verdicts: readonly Verdict[] = ['cut', 'cut-when-sent', 'cut-at-answer', 'cut-in-answer'];

const outside = (middle: string): string => `-- orch: transaction none
CREATE TABLE side (a int);
${canary('003_special')}${middle}
CREATE TABLE behind (a int);`;

const build = `-- orch: transaction none
CREATE TABLE side (a int);
INSERT INTO side SELECT * FROM generate_series(1, 100);
CREATE INDEX CONCURRENTLY side_a ON side (a);
${canary('003_special')}`;

/** Kills orch at a message: `cut` keeps it from the server, `cut-at-answer` only the answer from orch. */
async function killAt(stage: Stage, trap: Trap): Promise<readonly Ended[]> {
  let kill = (): unknown => undefined;
  arm(stage, { ...trap, also: () => void kill() });
  const run = stage.start();
  kill = () => run.child.kill('SIGKILL');
  return [await run.ended];
}

async function killReset(stage: Stage): Promise<readonly Ended[]> {
  let kill = (): unknown => undefined;
  arm(stage, { nth: 1 + stage.draw.below(60), verdict: stage.draw.pick(verdicts), also: () => void kill() });
  const run = stage.start(['reset', 'api-a', '--yes']);
  kill = () => run.child.kill('SIGKILL');
  return [await run.ended];
}

async function killInStatement(stage: Stage, text: string): Promise<readonly Ended[]> {
  const run = stage.startDirect();
  await findRunning(stage.project, 'api-a', text);
  stage.hit = true;
  run.child.kill('SIGKILL');
  return [await run.ended];
}

/** A transaction whose snapshot every concurrent index build has to wait for (V15). */
async function holdSnapshot(stage: Stage): Promise<void> {
  const { host, port, adminRole: user, adminPassword: password } = stage.project.postgres;
  const client = new pg.Client({ host, port, user, password, database: stage.project.database('api-a') });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1 FROM canary');
  snapshots.set(stage, () => client.end());
  onTestFinished(() => client.end());
}

const snapshots = new WeakMap<Stage, () => Promise<void>>();

export const killRows: readonly Row[] = [
  {
    name: 'kill -9 before the lock',
    group: 'kill',
    weight: 5,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => killAt(stage, { at: messages.tryLock, by: /^orch lock /, verdict: 'cut' }),
    ends: killed,
  },
  {
    name: 'kill -9 after the lock',
    group: 'kill',
    weight: 5,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => killAt(stage, { at: messages.tryLock, by: /^orch lock /, verdict: 'cut-at-answer' }),
    ends: killed,
  },
  {
    name: 'kill -9 while roles and databases are made',
    group: 'kill',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: 0 }),
    inject: (stage) =>
      killAt(stage, {
        at: messages.prepare,
        nth: 1 + stage.draw.below(5),
        verdict: stage.draw.pick<Verdict>(['cut', 'cut-when-sent', 'cut-at-answer']),
      }),
    ends: killed,
  },
  {
    name: 'kill -9 while the ledger is made',
    group: 'kill',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: 0 }),
    inject: (stage) =>
      killAt(stage, {
        at: messages.createLedger,
        verdict: stage.draw.pick<Verdict>(['cut', 'cut-when-sent', 'cut-at-answer']),
      }),
    ends: killed,
  },
  {
    name: 'kill -9 within a statement',
    group: 'kill',
    weight: 6,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 + draw.below(2) }),
    inject: async (stage) => {
      await stage.closeGate();
      return await killInStatement(stage, '(7001)');
    },
    ends: killed,
    mendWhenReleased: (stage) => stage.openGate(),
  },
  {
    name: 'kill -9 within a statement outside a transaction',
    group: 'kill',
    weight: 6,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: outside(GATE) }), applied: 1 }),
    inject: async (stage) => {
      await stage.closeGate();
      return await killInStatement(stage, '(7001)');
    },
    ends: killed,
    mendWhenReleased: (stage) => stage.openGate(),
  },
  {
    name: 'kill -9 within CREATE INDEX CONCURRENTLY',
    group: 'kill',
    weight: 5,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: build }), applied: 1 }),
    inject: async (stage) => {
      await holdSnapshot(stage);
      return await killInStatement(stage, 'CONCURRENTLY');
    },
    ends: killed,
    mendWhenReleased: async (stage) => await snapshots.get(stage)?.(),
  },
  {
    name: 'kill -9 behind a statement outside a transaction, before it is recorded',
    group: 'kill',
    weight: 3,
    quick: 1,
    pending: 'a statement is recorded only once it is done, so that one that was done is done again',
    scene: (draw) => ({ services: services(draw, { 3: outside('SELECT 1;') }), applied: 1 }),
    inject: (stage) => killAt(stage, { at: messages.progress, nth: 1 + stage.draw.below(2), verdict: 'cut' }),
    ends: killed,
  },
  {
    name: 'kill -9 after the statements, before the ledger',
    group: 'kill',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => killAt(stage, { at: messages.commit, nth: 1 + stage.draw.below(3), verdict: 'cut' }),
    ends: killed,
  },
  {
    name: 'kill -9 after the commit, before the report',
    group: 'kill',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => killAt(stage, { at: messages.commit, nth: 1 + stage.draw.below(3), verdict: 'cut-at-answer' }),
    ends: killed,
  },
  {
    name: 'kill -9 at any message',
    group: 'kill',
    weight: 24,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) =>
      killAt(stage, {
        nth: stage.anyMessage(),
        verdict: stage.draw.pick(verdicts),
      }),
    mayMiss: true,
    ends: killedOrDone,
  },
  {
    name: 'kill -9 at any time',
    group: 'kill',
    weight: 14,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: async (stage) => {
      const run = stage.startDirect();
      const timer = setTimeout(() => run.child.kill('SIGKILL'), 60 + stage.draw.below(500));
      stage.hit = true;
      const ended = await run.ended;
      clearTimeout(timer);
      return [ended];
    },
    ends: killedOrDone,
  },
  {
    name: 'kill -9 during a reset, at any message',
    group: 'kill',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': { revisions: history(draw) } }, applied: 1 + draw.below(2) }),
    inject: killReset,
    mayMiss: true,
    ends: killedOrDone,
  },
];
