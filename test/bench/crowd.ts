/**
 * So many `orch migrate` at once, on a server without databases (cold) and on databases with two new revisions (warm):
 *   npx tsx test/bench/crowd.ts [processes] [services] [rounds] [max_connections]
 * Needs `npm run build:bundle`; ORCH_TEST_POSTGRES=embedded|docker says which PostgreSQL, of its own, it starts.
 */
import { rm } from 'node:fs/promises';
import { canaries, canary, countCanaries, finishedRun } from '../support/canary.ts';
import { ConnectionWatch } from '../support/crowd.ts';
import { type Ended, orch } from '../support/orch.ts';
import { launchPostgres } from '../support/postgres.ts';
import { createProject, type ProjectFolder } from '../support/project-folder.ts';

const [processes = 50, count = 3, rounds = 1, connections = 100] = process.argv.slice(2).map(Number);
const services = Array.from({ length: count }, (_, index) => `api-${index + 1}`);
const first = ['001_first', '002_second', '003_third'];
const postgres = await launchPostgres(connections);

function wordsOf(runs: readonly Ended[]): string {
  const failed = runs.filter(({ code }) => code !== 0);
  for (const { output } of failed) process.stderr.write(`${output}\n`);
  const ended = runs.filter((run) => run.code === 0).map(finishedRun);
  const applying = ended.filter((run) => run.services.some(({ applied }) => applied.length > 0));
  const idle = ended.filter(({ unchanged }) => unchanged).length;
  return `${failed.length} failed, ${applying.length} applied, ${idle} had nothing to do`;
}

/** Revisions that did not take effect exactly once. */
async function countWrong(project: ProjectFolder, names: readonly string[]): Promise<number> {
  const counts = await Promise.all(services.map((service) => countCanaries(project, service)));
  return counts.reduce((sum, times) => sum + names.filter((name) => times[name] !== 1).length, 0);
}

async function crowd(what: string, project: ProjectFolder, names: readonly string[]): Promise<void> {
  const watch = (await ConnectionWatch.open(postgres)).start();
  const began = performance.now();
  const run = (): Promise<Ended> => orch(['migrate', '--output', 'json'], { cwd: project.folder });
  const runs = await Promise.all(Array.from({ length: processes }, run));
  const seconds = ((performance.now() - began) / 1_000).toFixed(1);
  await watch.close();
  const { worst, waited } = watch;
  const full = runs.filter(({ stdout }) => stdout.includes('"type":"probe-awaited"')).length;
  process.stdout.write(
    `${what}: ${processes} processes, ${count} services, ${postgres.kind}: ${seconds} s, ${wordsOf(runs)}; ` +
      `${await countWrong(project, names)} revisions not exactly once; connections of one that waits: ${worst.kept} kept for 1 s at most, ` +
      `${worst.waiting} in any look, ${worst.perDatabase} a database (${waited.size} seen waiting); ${worst.server} of ${connections} in all, ` +
      `${full} had to wait for a place\n`,
  );
}

try {
  for (let round = 0; round < rounds; round += 1) {
    const sketches = Object.fromEntries(services.map((name) => [name, { revisions: canaries(...first) }]));
    const project = await createProject(sketches, { postgres, readyTimeout: '60s' });
    await crowd('cold', project, first);
    const names = [...first, '004_fourth', '005_fifth'];
    for (const service of services) {
      for (const name of names.slice(3)) await project.write(`${service}/revisions/${name}.up.sql`, canary(name));
    }
    await crowd('warm', project, names);
    await rm(project.folder, { recursive: true });
  }
} finally {
  await postgres.stop();
}
