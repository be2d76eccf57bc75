import pg from 'pg';
import { describe, expect, onTestFinished, test } from 'vitest';
import { canaries, canary, countCanaries } from '../support/canary.ts';
import { type Connections, ConnectionWatch } from '../support/crowd.ts';
import { type Gate, holdGate } from '../support/gate.ts';
import { until } from '../support/local-service.ts';
import { type RunningOrch, startOrch } from '../support/orch.ts';
import { launchPostgres, type PostgresAddress } from '../support/postgres.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';

const services = ['api-a', 'api-b', 'api-c'];
/** ORCH_TEST_LONG=1 makes it fifty processes. */
const waiters = process.env.ORCH_TEST_LONG === '1' ? 49 : 9;

/** With as many connections as PostgreSQL has by default. */
async function ownServer(connections = 100): Promise<PostgresAddress> {
  const postgres = await launchPostgres(connections);
  onTestFinished(() => postgres.stop());
  return postgres;
}

async function makeServices(postgres: PostgresAddress, names = services): Promise<ProjectFolder> {
  const sketches = Object.fromEntries(names.map((name) => [name, { revisions: canaries('001_first') }]));
  return await makeProject(sketches, { postgres, readyTimeout: '60s' });
}

function start(project: ProjectFolder): RunningOrch {
  return startOrch(['migrate'], { cwd: project.folder });
}

/** Starts as many as wait, and looks once each has said for whose lock it does. */
async function crowdBehind(project: ProjectFolder, databases: readonly string[]): Promise<Crowd> {
  const watch = await ConnectionWatch.open(project.postgres);
  const runs = Array.from({ length: waiters }, () => start(project));
  await Promise.all(runs.flatMap((run) => databases.map((name) => run.said(`waiting for the lock on ${name}`))));
  // Whoever says that it waits goes on to end the sessions that it does not wait with.
  const kept = (seen: readonly Connections[]): boolean => seen.every(({ waits, total }) => !waits || total <= 1);
  await until('each that waits has one connection', async () => kept(await watch.look()));
  const seen = await watch.look();
  await watch.close();
  return { runs, seen };
}

interface Crowd {
  readonly runs: readonly RunningOrch[];
  readonly seen: readonly Connections[];
}

/** Of each service one process has applied what was new; each that applied none says that there was nothing to do. */
async function expectOneApplied(first: RunningOrch, crowd: Crowd, names = services): Promise<void> {
  const ends = await Promise.all([first, ...crowd.runs].map((run) => run.ended));
  expect(ends.filter(({ code }) => code !== 0).map(({ output }) => output)).toEqual([]);
  const applied = (name: string): RegExp => new RegExp(`✔ +${name} .* 1 revision applied`);
  for (const name of names) expect(ends.filter(({ stdout }) => applied(name).test(stdout)).length, name).toBe(1);
  const others = ends.filter(({ stdout }) => !names.some((name) => applied(name).test(stdout)));
  expect(others.length).toBeGreaterThan(waiters - names.length);
  expect(others.filter(({ stdout }) => !stdout.includes('Nothing to do')).map(({ output }) => output)).toEqual([]);
}

/** Each of the waiting processes is there, with one session. */
function expectWaiting({ seen }: Crowd): void {
  const waiting = seen.filter(({ waits }) => waits);
  expect(waiting.length).toBe(waiters);
  expect(waiting.filter(({ total }) => total !== 1)).toEqual([]);
}

describe(`${waiters} processes wait for one, on a server with PostgreSQL's own 100 connections`, () => {
  test('that prepares the server: each with one connection, and has nothing to do afterwards', async () => {
    const postgres = await ownServer();
    const project = await makeServices(postgres);
    const roles = await holdRoles(postgres);
    const first = start(project);
    await roles.awaited();
    const crowd = await crowdBehind(project, ['postgres']);
    expectWaiting(crowd);
    await roles.release();
    await expectOneApplied(first, crowd);
    for (const name of services) expect(await countCanaries(project, name)).toEqual({ '001_first': 1 });
  });

  test('that migrates one database and makes another: each with one connection all the same', async () => {
    const postgres = await ownServer();
    const project = await makeServices(postgres, ['api-a', 'api-b']);
    const made = await startOrch(['migrate', '--service', 'api-a'], { cwd: project.folder }).ended;
    expect(made.code, made.output).toBe(0);
    const gate = await addGated(project, 'api-a');
    const roles = await holdRoles(postgres);
    const first = start(project);
    await Promise.all([gate.waiter(), roles.awaited()]);
    const crowd = await crowdBehind(project, ['postgres', project.database('api-a')]);
    expectWaiting(crowd);
    await roles.release();
    await gate.open();
    await expectOneApplied(first, crowd, ['api-a', 'api-b']);
    expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_gated': 1 });
    expect(await countCanaries(project, 'api-b')).toEqual({ '001_first': 1 });
  });

  test('that migrates a database: each with one connection, whatever other databases there are', async () => {
    const project = await makeServices(await ownServer());
    const { first, gates } = await firstAtGates(project, ['api-a']);
    const crowd = await crowdBehind(project, [project.database('api-a')]);
    expectWaiting(crowd);
    await Promise.all(gates.map((gate) => gate.open()));
    await expectOneApplied(first, crowd, ['api-a']);
    expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_gated': 1 });
  });

  test('that migrates three databases: each with one connection all the same', async () => {
    const project = await makeServices(await ownServer());
    const { first, gates } = await firstAtGates(project, services);
    const crowd = await crowdBehind(project, services.map(project.database));
    expectWaiting(crowd);
    await Promise.all(gates.map((gate) => gate.open()));
    await expectOneApplied(first, crowd);
    for (const name of services) {
      expect(await countCanaries(project, name)).toEqual({ '001_first': 1, '002_gated': 1 });
    }
  });
});

describe('a server with fewer places than a run has databases', () => {
  test('is asked one after the other: none of the connections that have observed is kept', async () => {
    // Three of the six are the superuser's.
    const project = await makeServices(await ownServer(6), [...services, 'api-d']);
    for (const name of [...services, 'api-d']) {
      const made = await startOrch(['migrate', '--service', name], { cwd: project.folder }).ended;
      expect(made.code, made.output).toBe(0);
    }
    const { code, output } = await start(project).ended;
    expect(code, output).toBe(0);
    expect(output).toContain('Nothing to do');
  });
});

/** A run that stands in the second revision of each of these services, with their locks. */
async function firstAtGates(
  project: ProjectFolder,
  names: readonly string[],
): Promise<{ first: RunningOrch; gates: readonly Gate[] }> {
  expect((await start(project).ended).code).toBe(0);
  const gates: Gate[] = [];
  for (const name of names) gates.push(await addGated(project, name));
  const first = start(project);
  await Promise.all(gates.map((gate) => gate.waiter()));
  return { first, gates };
}

async function addGated(project: ProjectFolder, name: string): Promise<Gate> {
  const gate = await holdGate(project, name);
  await project.write(`${name}/revisions/002_gated.up.sql`, canary('002_gated', gate.sql));
  return gate;
}

/** Whoever makes a role, inside the preparation lock, waits until it is released. */
async function holdRoles(postgres: PostgresAddress): Promise<{ awaited(): Promise<void>; release(): Promise<void> }> {
  const { host, port, adminRole: user, adminPassword: password } = postgres;
  const client = new pg.Client({ host, port, user, password, database: 'postgres' });
  client.on('error', () => undefined);
  await client.connect();
  await client.query('BEGIN; LOCK pg_catalog.pg_authid IN SHARE MODE');
  const isAwaited = async (): Promise<boolean> => {
    const found = await client.query("SELECT FROM pg_locks WHERE relation = 'pg_authid'::regclass AND NOT granted");
    return found.rowCount === 1;
  };
  let released: Promise<void> | undefined;
  const release = (): Promise<void> => (released ??= client.end());
  onTestFinished(release);
  return { awaited: () => until('somebody makes a role', isAwaited), release };
}
