import { describe, expect, test } from 'vitest';
import {
  canaries,
  canary,
  countCanaries,
  countLeftovers,
  finishedRun,
  readLedger,
  readLog,
} from '../support/canary.ts';
import { holdGate } from '../support/gate.ts';
import { type Ended, orch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';

const services = ['api-a', 'api-b', 'api-c'];
const revisions = ['001_first', '002_second', '003_third'];
/** ORCH_TEST_LONG=1 makes it fifty. */
const crowd = process.env.ORCH_TEST_LONG === '1' ? 50 : 20;

function threeServices(): Promise<ProjectFolder> {
  return makeProject(Object.fromEntries(services.map((name) => [name, { revisions: canaries(...revisions) }])));
}

function migrateAtOnce(project: ProjectFolder): Promise<readonly Ended[]> {
  const run = (): Promise<Ended> => orch(['migrate', '--output', 'json'], { cwd: project.folder });
  return Promise.all(Array.from({ length: crowd }, run));
}

/** Each revision was applied by one of the runs, and the runs that applied none had nothing to do. */
function expectOneApplied(runs: readonly Ended[], names: readonly string[]): void {
  expect(runs.filter(({ code }) => code !== 0).map(({ output }) => output.slice(-800))).toEqual([]);
  const finished = runs.map(finishedRun);
  for (const service of services) {
    const applied = finished.flatMap((run) => run.services.find((each) => each.service === service)?.applied ?? []);
    expect(applied.sort(), service).toEqual(names);
  }
  const idle = finished.filter((run) => run.services.every(({ applied }) => applied.length === 0));
  expect(idle.length).toBeGreaterThanOrEqual(crowd - services.length);
  expect(idle.filter(({ unchanged }) => !unchanged)).toEqual([]);
}

async function expectEachOnce(project: ProjectFolder, names: readonly string[]): Promise<void> {
  for (const service of services) {
    expect(await countCanaries(project, service)).toEqual(Object.fromEntries(names.map((name) => [name, 1])));
    expect(await readLedger(project, service)).toEqual(names.map((name) => `${name} applied`));
    const applied = names.map((name) => `apply succeeded ${name}`);
    expect(await readLog(project, service)).toEqual(['create-ledger succeeded', ...applied]);
    expect(await countLeftovers(project, service)).toEqual({ locks: 0, sessions: 0 });
  }
}

describe(`${crowd} runs of migrate at once`, () => {
  test('on a server without roles and databases: one applies each revision, the others find nothing to do', async () => {
    const project = await threeServices();
    expectOneApplied(await migrateAtOnce(project), revisions);
    await expectEachOnce(project, revisions);
  });

  test('on databases that are there: one applies what is new, the others find nothing to do', async () => {
    const project = await threeServices();
    expect((await orch(['migrate'], { cwd: project.folder })).code).toBe(0);
    const names = [...revisions, '004_fourth', '005_fifth'];
    for (const service of services) {
      for (const name of names.slice(3)) await project.write(`${service}/revisions/${name}.up.sql`, canary(name));
    }
    expectOneApplied(await migrateAtOnce(project), names.slice(3));
    await expectEachOnce(project, names);
  });
});

describe('a run that finds the lock held', () => {
  test('names the holder while it waits, and finds nothing to do once the other is through', async () => {
    const { project, gate } = await projectAtGate();
    const first = startOrch(['migrate'], { cwd: project.folder });
    const pid = await gate.waiter();
    const second = startOrch(['migrate'], { cwd: project.folder });
    const told = await second.said(/waiting for the lock on .*held by pid \d+/);
    const holder = Number(/held by pid (\d+)/.exec(told)?.[1]);
    const [row] = await project.sql<{ name: string }>(
      undefined,
      `SELECT application_name AS name FROM pg_stat_activity WHERE pid = ${holder} AND datname = '${project.database('api-a')}'`,
    );
    expect(row?.name).toMatch(/^orch lock /);
    expect(holder).not.toBe(pid);
    expect(told).toMatch(new RegExp(`orch lock [^,]*, role ${project.owner('api-a')}, from [\\d.]+:\\d+, since 20`));
    await gate.open();
    expect((await first.ended).code).toBe(0);
    const ended = await second.ended;
    expect(ended.code).toBe(0);
    expect(ended.stdout).toContain('Nothing to do');
    expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_gated': 1 });
  });

  test('waits no longer than --lock-wait, ends with 4 and says who holds it and what to type', async () => {
    const { project, gate } = await projectAtGate();
    const first = startOrch(['migrate'], { cwd: project.folder });
    await gate.waiter();
    const refused = await orch(['migrate', '--lock-wait', '300ms'], { cwd: project.folder });
    expect(refused.code).toBe(4);
    expect(refused.stderr).toMatch(/the lock on \S+ was not free within \d+ ms/);
    expect(refused.stderr).toMatch(/held by pid \d+ \(orch lock/);
    expect(refused.stderr).toContain('--lock-wait 10m');
    await gate.open();
    expect((await first.ended).code).toBe(0);
    expect(await readLedger(project, 'api-a')).toEqual(['001_first applied', '002_gated applied']);
  });
});

/** A service whose next revision waits until the test lets it through. */
async function projectAtGate(): Promise<{ project: ProjectFolder; gate: Awaited<ReturnType<typeof holdGate>> }> {
  const project = await makeProject({ 'api-a': { revisions: canaries('001_first') } });
  expect((await orch(['migrate'], { cwd: project.folder })).code).toBe(0);
  const gate = await holdGate(project, 'api-a');
  await project.write('api-a/revisions/002_gated.up.sql', canary('002_gated', gate.sql));
  return { project, gate };
}
