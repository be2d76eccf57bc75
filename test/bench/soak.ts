/**
 * An application at work on the tables that revisions alter, among long readers; its stalls with orch's lock_timeout and
 * without one:
 *   npx tsx test/bench/soak.ts [revisions] [runs] [sessions] [readers] [seconds of the longest read]
 * Needs `npm run build:bundle`; ORCH_TEST_POSTGRES=embedded|docker says which PostgreSQL, of its own, it starts.
 */
import { rm } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import { LockPace } from '../../src/engine/lock-pace.ts';
import { countCanaries, finishedRun } from '../support/canary.ts';
import { type Ended, orch } from '../support/orch.ts';
import { launchPostgres } from '../support/postgres.ts';
import { createProject, type ProjectFolder } from '../support/project-folder.ts';
import { sqlRevision } from '../support/revisions.ts';
import { Application, Reader, retriesOf, soakRevisions, tables } from '../support/soak.ts';

const [count = 100, runs = 100, sessions = 6, readers = 2, longestRead = 3] = process.argv.slice(2).map(Number);
const revisions = soakRevisions(count);
const postgres = await launchPostgres();

/** Reads for half a second up to the longest, and is away for up to 3 s, until it is told to stop. @returns the longest read, in ms */
async function readOnAndOff(project: ProjectFolder, stopped: AbortSignal): Promise<number> {
  const reader = await Reader.open(project);
  const some = (seconds: number): number => 500 + Math.random() * (seconds * 1_000 - 500);
  let longest = 0;
  while (!stopped.aborted) {
    await reader.read(tables[Math.floor(Math.random() * tables.length)] ?? 'account');
    const began = performance.now();
    await setTimeout(some(longestRead));
    await reader.finish();
    longest = Math.max(longest, performance.now() - began);
    await setTimeout(some(3));
  }
  await reader.close();
  return longest;
}

async function migrate(project: ProjectFolder): Promise<readonly Ended[]> {
  const ends: Ended[] = [];
  for (let run = 0; run < runs; run += 1) {
    const part = revisions.slice(1).slice(Math.floor((run * count) / runs), Math.floor(((run + 1) * count) / runs));
    for (const { name, text } of part) await project.write(`api/revisions/${name}.up.sql`, text);
    const ended = await orch(['migrate', '--output', 'json'], { cwd: project.folder });
    if (ended.code !== 0) process.stderr.write(ended.output);
    ends.push(ended);
  }
  return ends;
}

function at(sorted: readonly number[], share: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0).toFixed(1);
}

async function soak(lockTimeout: number): Promise<void> {
  const policies = {
    lockTimeout,
    lockRetry: 120_000,
    statementTimeout: 0,
    lockWait: 0,
    failFast: false,
    concurrency: 1,
  };
  const [tablesRevision] = revisions;
  const files = { [`${tablesRevision?.name}.up.sql`]: tablesRevision?.text ?? '' };
  const yaml = `policies: { lockTimeout: ${lockTimeout}ms }\n`;
  const project = await createProject({ api: { revisions: files } }, { postgres, yaml });
  const first = await orch(['migrate'], { cwd: project.folder });
  if (first.code !== 0) throw new Error(first.output);
  const application = await Application.start(project, sessions);
  // How fast the application is by itself.
  await setTimeout(3_000);
  const alone = application.durations.splice(0).sort((a, b) => a - b);
  const stop = new AbortController();
  const reading = Array.from({ length: readers }, () => readOnAndOff(project, stop.signal));
  const began = performance.now();
  const ends = await migrate(project);
  const seconds = (performance.now() - began) / 1_000;
  stop.abort();
  const longest = Math.max(...(await Promise.all(reading)));
  await application.stop();
  const retries = ends.flatMap(({ stdout }) => retriesOf(stdout));
  const most = retries.reduce((found, { tries }) => Math.max(found, tries), 0);
  const pace = new LockPace({ policies }, sqlRevision('001_x'));
  const limit =
    lockTimeout === 0 ? 'none' : `${lockTimeout} ms, ${pace.settings(most + 1).lockTimeout} ms in the last try`;
  const sorted = application.durations.toSorted((a, b) => a - b);
  const times = await countCanaries(project, 'api');
  const once = revisions.filter(({ name }) => times[name] === 1).length - 1;
  const applied = ends.flatMap((ended) => finishedRun(ended).services[0]?.applied ?? []).length;
  const said = {
    lock_timeout: limit,
    revisions: `${applied} applied in ${runs} runs and ${seconds.toFixed(0)} s, ${once} of ${count} exactly once`,
    retries: `${retries.length}, at most ${most} of one revision (${[...new Set(retries.map(({ sqlstate }) => sqlstate))].join(', ')})`,
    application: `${sorted.length} statements in ${sessions} sessions, ${application.errors.length} failed`,
    'longest reader': `${longest.toFixed(0)} ms, of ${readers} at a time`,
    'worst stall': `${at(sorted, 1)} ms (by itself ${at(alone, 1)} ms)`,
    p99: `${at(sorted, 0.99)} ms (by itself ${at(alone, 0.99)} ms); p99.9 ${at(sorted, 0.999)} ms`,
    'longer than 2.1 s': `${sorted.filter((duration) => duration > 2_100).length} statements`,
  };
  for (const [what, text] of Object.entries(said)) process.stdout.write(`${what.padEnd(18)} ${text}\n`);
  for (const error of application.errors.slice(0, 3)) process.stdout.write(`${String(error)}\n`);
  await rm(project.folder, { recursive: true });
}

try {
  for (const lockTimeout of [500, 0]) {
    await soak(lockTimeout);
    process.stdout.write('\n');
  }
} finally {
  await postgres.stop();
}
