import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { canaries, canary, countCanaries } from '../support/canary.ts';
import { holdGate } from '../support/gate.ts';
import { orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';

const api = fileURLToPath(new URL('../../dist/api.js', import.meta.url));

/** What a service does at its own start-up: upgrades, and tells what came of it. */
const script = `
import { Failure, upgrade } from ${JSON.stringify(api)};
const { abortAfter, ...options } = JSON.parse(process.argv[2]);
const stop = new AbortController();
const events = [];
try {
  const outcome = await upgrade({
    ...options,
    signal: stop.signal,
    onEvent: (event) => {
      events.push(event.type);
      if (event.type === abortAfter) stop.abort(new Error('the service was told to stop'));
    },
  });
  console.log(JSON.stringify({ outcome, events }));
} catch (error) {
  const { code, message } = error;
  console.log(JSON.stringify({ failure: { isFailure: error instanceof Failure, code, message, details: error.details } }));
}
`;

interface Told {
  readonly outcome?: {
    readonly unchanged: boolean;
    readonly services: readonly { readonly applied: readonly string[] }[];
  };
  readonly events?: readonly string[];
  readonly failure?: {
    readonly isFailure: boolean;
    readonly code: string;
    readonly message: string;
    readonly details: object;
  };
}

/** Runs it as a process of its own, which has to end by itself: nothing may keep it alive. */
async function upgradeIn(project: ProjectFolder, options: object = {}): Promise<Told> {
  await project.write('start-up.mjs', script);
  const child = promisify(execFile)(process.execPath, [join(project.folder, 'start-up.mjs'), JSON.stringify(options)], {
    cwd: project.folder,
  });
  return JSON.parse((await child).stdout) as Told;
}

test('upgrade applies what is pending and returns the outcome; again, there is nothing to do', async () => {
  const project = await makeProject({ 'api-a': { revisions: canaries('001_first', '002_second') } });
  const told = await upgradeIn(project);
  expect(told.outcome).toMatchObject({
    command: 'migrate',
    unchanged: false,
    failures: [],
    services: [{ service: 'api-a', status: 'done', applied: ['001_first', '002_second'], heads: ['002_second'] }],
  });
  expect(told.events).toContain('step-finished');
  expect((await upgradeIn(project)).outcome).toMatchObject({ unchanged: true, services: [{ applied: [] }] });
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_second': 1 });
});

test('upgrade takes services and a target', async () => {
  const revisions = canaries('001_first', '002_second');
  const project = await makeProject({ 'api-a': { revisions }, 'api-b': { revisions } });
  const told = await upgradeIn(project, { services: ['api-b'], target: '001' });
  expect(told.outcome).toMatchObject({ services: [{ service: 'api-b', applied: ['001_first'] }] });
  const names = `'${project.database('api-a')}'`;
  expect(await project.sql(undefined, `SELECT FROM pg_database WHERE datname = ${names}`)).toEqual([]);
});

test('five at once: one applies, the others find nothing to do', async () => {
  const project = await makeProject({ 'api-a': { revisions: canaries('001_first', '002_second') } });
  await project.write('start-up.mjs', script);
  const told = await Promise.all(Array.from({ length: 5 }, () => upgradeIn(project)));
  expect(told.flatMap(({ failure }) => failure ?? [])).toEqual([]);
  expect(told.filter(({ outcome }) => outcome?.unchanged === true)).toHaveLength(4);
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1, '002_second': 1 });
});

test('upgrade throws a Failure with its code where a revision fails, and nothing of it stays', async () => {
  const revisions = { ...canaries('001_first'), '002_broken.up.sql': canary('002_broken', 'SELECT 1/0;') };
  const project = await makeProject({ 'api-a': { revisions } });
  expect((await upgradeIn(project)).failure).toMatchObject({
    isFailure: true,
    code: 'sql-failed',
    details: { service: 'api-a', revision: '002_broken', sqlstate: '22012' },
  });
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1 });
});

test('upgrade throws a Failure where the config is missing, the service unknown, or the lock is not free in time', async () => {
  const project = await makeProject({ 'api-a': { revisions: canaries('001_first') } });
  expect((await upgradeIn(project, { config: 'nowhere.yaml' })).failure).toMatchObject({ code: 'config-not-found' });
  expect((await upgradeIn(project, { services: ['api-b'] })).failure).toMatchObject({ code: 'service-unknown' });
  expect((await upgradeIn(project)).outcome).toBeDefined();
  const gate = await holdGate(project, 'api-a');
  await project.write('api-a/revisions/002_gated.up.sql', canary('002_gated', gate.sql));
  const first = orch(['migrate'], { cwd: project.folder });
  await gate.waiter();
  expect((await upgradeIn(project, { lockWait: 100 })).failure).toMatchObject({ isFailure: true, code: 'lock-held' });
  await gate.open();
  expect((await first).code).toBe(0);
});

test('an aborted signal ends it, rolls back, and its reason is thrown', async () => {
  const long = canary('002_long', "DO $$ BEGIN RAISE WARNING 'here'; PERFORM pg_sleep(600); END $$;");
  const revisions = { ...canaries('001_first'), '002_long.up.sql': long };
  const project = await makeProject({ 'api-a': { revisions } });
  const { failure } = await upgradeIn(project, { abortAfter: 'notice-received' });
  expect(failure).toMatchObject({ isFailure: false, message: 'the service was told to stop' });
  expect(await countCanaries(project, 'api-a')).toEqual({ '001_first': 1 });
});
