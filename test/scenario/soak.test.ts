import { describe, expect, onTestFinished, test } from 'vitest';
import { countCanaries, finishedRun, readLedger } from '../support/canary.ts';
import { until } from '../support/local-service.ts';
import { type RunningOrch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { Application, Reader, retriesOf, soakRevisions, tables } from '../support/soak.ts';

const revisions = soakRevisions(10);
const names = revisions.map(({ name }) => name);

interface Soak {
  readonly project: ProjectFolder;
  readonly application: Application;
  /** One for each of the tables, which it reads. */
  readonly readers: readonly Reader[];
  readonly run: RunningOrch;
}

/** An application and long readers at work on tables that orch is to alter. */
async function startSoak(yaml = ''): Promise<Soak> {
  const [[first] = [], ...others] = [revisions.slice(0, 1), ...revisions.slice(1)];
  const files = { [`${first?.name}.up.sql`]: first?.text ?? '' };
  const project = await makeProject({ api: { revisions: files } }, { yaml });
  const made = await startOrch(['migrate'], { cwd: project.folder }).ended;
  expect(made.code, made.output).toBe(0);
  for (const { name, text } of others) await project.write(`api/revisions/${name}.up.sql`, text);
  const application = await Application.start(project, 4);
  onTestFinished(() => application.stop());
  const readers: Reader[] = [];
  for (const table of tables) {
    const reader = await Reader.open(project);
    onTestFinished(() => reader.close());
    await reader.read(table);
    readers.push(reader);
  }
  return { project, application, readers, run: startOrch(['migrate', '--output', 'json'], { cwd: project.folder }) };
}

/** Statements of the application that wait behind orch, which waits behind a reader. */
async function queued({ project }: Soak): Promise<readonly string[]> {
  const rows = await project.sql<{ statement: string }>(
    undefined,
    `SELECT a.pid || ' ' || a.query_start AS statement FROM pg_stat_activity AS a
     WHERE a.datname = '${project.database('api')}' AND a.application_name = 'application' AND a.state = 'active'
       AND EXISTS (SELECT FROM pg_stat_activity AS w
           JOIN pg_stat_activity AS r ON r.pid = ANY (pg_blocking_pids(w.pid)) AND r.application_name = 'long reader'
         WHERE w.application_name LIKE 'orch worker %' AND w.pid = ANY (pg_blocking_pids(a.pid)))`,
  );
  return rows.map(({ statement }) => statement);
}

/** The first statements that are found waiting behind orch. */
async function firstQueued(soak: Soak): Promise<ReadonlySet<string>> {
  let found: readonly string[] = [];
  await until('a statement of the application waits behind orch', async () => {
    found = await queued(soak);
    return found.length > 0;
  });
  return new Set(found);
}

async function isQueued(soak: Soak, statements: ReadonlySet<string>): Promise<boolean> {
  return (await queued(soak)).some((statement) => statements.has(statement));
}

async function expectAllApplied({ project, application, run }: Soak): Promise<ReturnType<typeof retriesOf>> {
  const ended = await run.ended;
  expect(ended.code, ended.output).toBe(0);
  await application.stop();
  expect(application.errors).toEqual([]);
  expect(finishedRun(ended).services[0]?.applied).toEqual(names.slice(1));
  expect(await countCanaries(project, 'api')).toEqual(Object.fromEntries(names.map((name) => [name, 1])));
  expect(await readLedger(project, 'api')).toEqual(names.map((name) => `${name} applied`));
  return retriesOf(ended.stdout);
}

describe('ten revisions of tables that an application uses and long readers hold', () => {
  test('let the application through while the readers stay, and are each applied once they leave', async () => {
    const soak = await startSoak();
    for (const reader of soak.readers) {
      const statements = await firstQueued(soak);
      await until('the application goes on', async () => !(await isQueued(soak, statements)));
      // Only now: it was orch that gave way.
      await reader.finish();
    }
    const retries = await expectAllApplied(soak);
    expect(retries.length).toBeGreaterThanOrEqual(soak.readers.length);
    expect(new Set(retries.map(({ sqlstate }) => sqlstate))).toEqual(new Set(['55P03']));
  });

  test('stop the application for as long as the readers stay where there is no lock_timeout', async () => {
    const soak = await startSoak('policies: { lockTimeout: 0s }\n');
    const statements = await firstQueued(soak);
    // Longer than the default would let it wait.
    await soak.run.said('"type":"revision-blocked"');
    expect(await isQueued(soak, statements)).toBe(true);
    for (const reader of soak.readers) await reader.finish();
    expect(await expectAllApplied(soak)).toEqual([]);
  });
});
