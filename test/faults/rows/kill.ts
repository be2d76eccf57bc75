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

/** What such a text is made of, with its canary in each. */
const outsideKinds: readonly string[] = [
  outside('SELECT 1;'),
  `-- orch: transaction none\nCREATE TABLE side (a int);\nBEGIN;${canary('003_special')}COMMIT;\nCREATE TABLE behind (a int);`,
  `-- orch: transaction none\nBEGIN;\nCREATE TABLE side (a int);\nCOMMIT AND CHAIN;${canary('003_special')}COMMIT;\nSELECT 1;`,
  `-- orch: transaction none\nCREATE TABLE side (a int);\nCOPY public.canary FROM STDIN; -- INTO public.canary\n003_special\n\\.\nSELECT 1;`,
  `-- orch: transaction none\nSET default_transaction_read_only = on;\nSELECT 1;\nSET default_transaction_read_only = off;${canary('003_special')}SELECT 1;`,
];

const committing = `-- orch: transaction none
CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.canary VALUES ('003_special'); COMMIT; END $$;
CALL fill();
CREATE TABLE behind (a int);`;

/** What is to be said of the statement that is unclear. */
const answers = new WeakMap<Stage, 'done' | 'again'>();

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
    name: 'kill -9 at the record of a statement outside a transaction',
    group: 'kill',
    weight: 16,
    quick: 3,
    scene: (draw) => ({ services: services(draw, { 3: draw.pick(outsideKinds) }), applied: 1 }),
    inject: (stage) =>
      killAt(stage, { at: messages.progress, nth: 1 + stage.draw.below(3), verdict: stage.draw.pick(verdicts) }),
    ends: killed,
  },
  {
    name: 'kill -9 behind a statement that can have no transaction, before it is recorded',
    group: 'kill',
    weight: 6,
    quick: 2,
    scene: (draw) => ({ services: { 'api-a': { revisions: history(draw, { 3: committing }) } }, applied: 1 }),
    inject: async (stage) => {
      // Either it was done, or it was only announced: the next run cannot know.
      const isDone = stage.draw.below(2) === 0;
      const at = isDone ? messages.progress : messages.announce;
      const killed = await killAt(stage, { at, by: /^orch lock /, verdict: isDone ? 'cut' : 'cut-at-answer' });
      answers.set(stage, isDone ? 'done' : 'again');
      return [...killed, await stage.startDirect().ended];
    },
    ends: { SIGKILL: [], 6: [/nobody knows whether statement 2 of 003_special was done/, /--unclear done/] },
    mend: async (stage) => {
      const { code, stderr } = await stage.startDirect(['migrate', '--unclear', answers.get(stage) ?? '']).ended;
      if (code !== 0) stage.complaints.push(`--unclear ended with ${code}: ${stderr.slice(-300)}`);
    },
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
