import pg from 'pg';
import { onTestFinished } from 'vitest';
import { lockKey } from '../../../src/adapters/postgres/polled-lock.ts';
import { canary } from '../../support/canary.ts';
import type { Ended, RunningOrch } from '../../support/orch.ts';
import type { Row } from '../row.ts';
import { GATE, type Stage } from '../stage.ts';
import { services } from '../workload.ts';

const outside = `-- orch: transaction none
CREATE PROCEDURE fill() LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(0.3); INSERT INTO public.canary VALUES ('003_special'); COMMIT; END $$;
-- The lock alone keeps it from being done twice: what commits itself cannot be recorded with itself.
CALL fill();`;

const build = `-- orch: transaction none
CREATE TABLE side (a int);
CREATE INDEX CONCURRENTLY side_a ON side (a);
${canary('003_special')}`;

/** V10: a session that holds the lock and runs revisions would hold nothing any more. */
const unlocking = [
  `SELECT pg_catalog.pg_advisory_unlock_all();\n${GATE}`,
  `RESET ALL;\nSET SESSION AUTHORIZATION DEFAULT;\n${GATE}`,
  `-- orch: transaction none\nSELECT pg_catalog.pg_advisory_unlock_all();\n${GATE}\n${canary('003_special')}`,
];

/** A session of somebody else in the service's database; ends with the test. */
async function somebody(stage: Stage, sql: string): Promise<void> {
  const { host, port, adminRole: user, adminPassword: password } = stage.project.postgres;
  const database = stage.project.database('api-a');
  const client = new pg.Client({ host, port, user, password, database, application_name: 'a forgotten psql' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query(sql);
  sessions.set(stage, client);
  onTestFinished(() => leave(stage));
}

/** A long report, or what pg_dump does. */
async function read(stage: Stage): Promise<void> {
  const texts = ['SELECT FROM canary', 'LOCK TABLE canary IN ACCESS SHARE MODE'];
  await somebody(stage, `BEGIN ISOLATION LEVEL REPEATABLE READ; ${stage.draw.pick(texts)}`);
  stage.hit = true;
}

const alter = (retry: string): string =>
  `-- orch: lock_timeout 100ms\n-- orch: lock_retry ${retry}\nALTER TABLE canary ADD COLUMN more int;`;

const sessions = new WeakMap<Stage, pg.Client>();
const holders = new WeakMap<Stage, RunningOrch>();

async function leave(stage: Stage): Promise<void> {
  const client = sessions.get(stage);
  sessions.delete(stage);
  await client?.end();
}

async function together(stage: Stage): Promise<readonly Ended[]> {
  stage.hit = true;
  const count = 3 + stage.draw.below(5);
  return await Promise.all(Array.from({ length: count }, () => stage.startDirect().ended));
}

/** A run that stands at the gate with the lock. */
async function holdByOrch(stage: Stage): Promise<RunningOrch> {
  const gate = await stage.closeGate();
  const holder = stage.startDirect();
  await gate.waiter();
  holders.set(stage, holder);
  stage.hit = true;
  return holder;
}

async function endHolder(stage: Stage, code: number): Promise<void> {
  await stage.openGate();
  const ended = await holders.get(stage)?.ended;
  if (ended?.code !== code) stage.complaints.push(`the holder ended with ${ended?.code}: ${ended?.stderr.slice(-300)}`);
}

const busy = { 4: [/held by pid \d+ \(/, /--lock-wait 10m/, /orch locks --service \S+ --terminate \d+/] } as const;
const impatient = ['migrate', '--lock-wait', '300ms'];

export const contentionRows: readonly Row[] = [
  {
    name: 'several runs at once on a cold server',
    group: 'contention',
    weight: 6,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: outside }), applied: 0 }),
    inject: together,
    ends: { 0: [] },
  },
  {
    name: 'several runs at once on a warm server',
    group: 'contention',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: outside }), applied: 1 + draw.below(2) }),
    inject: together,
    ends: { 0: [] },
  },
  {
    name: 'a run that meets one at work',
    group: 'contention',
    weight: 4,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw, GATE) }, applied: 1 }),
    inject: async (stage) => {
      await holdByOrch(stage);
      return [await stage.startDirect(impatient).ended];
    },
    ends: busy,
    mend: (stage) => endHolder(stage, 0),
  },
  {
    name: 'a run that meets one whose revision has unlocked all',
    group: 'contention',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw, draw.pick(unlocking)) }, applied: 1 }),
    inject: async (stage) => {
      await holdByOrch(stage);
      return [await stage.startDirect(impatient).ended];
    },
    ends: busy,
    mend: (stage) => endHolder(stage, 0),
  },
  {
    name: 'a run that meets one that hangs',
    group: 'contention',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw, GATE) }, applied: 1 }),
    inject: async (stage) => {
      const holder = await holdByOrch(stage);
      holder.child.kill('SIGSTOP');
      const ended = await stage.startDirect(impatient).ended;
      // What it tells to type ends the session with the lock, and nothing else does.
      const [, terminate = ''] = /orch (locks --service \S+ --terminate \d+)/.exec(ended.stderr) ?? [];
      const { code } = await stage.startDirect([...terminate.split(' '), '--yes']).ended;
      if (code !== 0) stage.complaints.push(`orch ${terminate} ended with ${code}`);
      holder.child.kill('SIGCONT');
      return [ended];
    },
    ends: busy,
    mend: (stage) => endHolder(stage, 8),
  },
  {
    name: 'the lock held by an idle session',
    group: 'contention',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw) }, applied: 1 }),
    inject: async (stage) => {
      await somebody(stage, `SELECT pg_advisory_lock(${lockKey(stage.project.database('api-a'), 'orch')})`);
      stage.hit = true;
      return [await stage.startDirect(impatient).ended];
    },
    ends: { 4: [...busy[4], /a forgotten psql/] },
    mend: leave,
  },
  {
    name: 'a long reader, or a dump, before ALTER TABLE, that leaves',
    group: 'contention',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw, alter('2m')) }, applied: 1 }),
    inject: async (stage) => {
      await read(stage);
      const run = stage.startDirect();
      await run.said(/a forgotten psql/);
      await leave(stage);
      return [await run.ended];
    },
    // Tried again, with the reader named.
    ends: { 0: [/a forgotten psql/] },
  },
  {
    name: 'a long reader, or a dump, before ALTER TABLE, that stays',
    group: 'contention',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw, alter('700ms')) }, applied: 1 }),
    inject: async (stage) => {
      await read(stage);
      return [await stage.startDirect().ended];
    },
    ends: { 5: [/lock timeout/, /in the way:\n.*a forgotten psql/, /rolled back/, /--terminate \d+/, /orch migrate/] },
    mend: leave,
  },
  {
    name: 'CREATE INDEX CONCURRENTLY while others wait for the lock',
    group: 'contention',
    weight: 4,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw, GATE, build) }, applied: 1 }),
    inject: async (stage) => {
      const holder = await holdByOrch(stage);
      const waiting = [stage.startDirect(), stage.startDirect()];
      await Promise.all(waiting.map((run) => untilWaiting(stage, run)));
      await stage.openGate();
      return await Promise.all([holder, ...waiting].map((run) => run.ended));
    },
    ends: { 0: [] },
  },
  {
    name: 'reset of a database that others use',
    group: 'contention',
    weight: 2,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': one(draw) }, applied: 1, environment: 'development' }),
    inject: async (stage) => {
      await somebody(stage, "INSERT INTO canary VALUES ('own')");
      stage.hit = true;
      const ended = await stage.startDirect(['reset', 'api-a']).ended;
      const [kept] = await stage.project.sql('api-a', "DELETE FROM canary WHERE name = 'own' RETURNING name");
      if (kept === undefined) stage.complaints.push('the database was dropped');
      return [ended];
    },
    ends: { 2: [/a forgotten psql/, /--yes/] },
  },
];

/** Revision 2 stands at the gate, or 3 does. */
function one(
  draw: Parameters<typeof services>[0],
  ...special: readonly string[]
): { revisions: Record<string, string> } {
  const [first, second] = special;
  const texts = second === undefined ? { ...(first && { 3: first }) } : { 2: first ?? '', 3: second };
  return { revisions: { ...services(draw, texts)['api-a']?.revisions } };
}

/** A waiter whose statement blocks says nothing: the server knows it all the same. */
async function untilWaiting(stage: Stage, run: RunningOrch): Promise<void> {
  const database = stage.project.database('api-a');
  const told = run.said('waiting for the lock').then(() => true);
  const blocked = async (): Promise<boolean> => {
    const rows = await stage.project.sql(
      undefined,
      `SELECT FROM pg_stat_activity WHERE datname = '${database}' AND application_name LIKE 'orch lock %' AND wait_event = 'advisory'`,
    );
    return rows.length > 0;
  };
  told.catch(() => undefined);
  for (;;) {
    if (await Promise.race([told, blocked()])) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
