import { createHash } from 'node:crypto';
import { readdir, readFile, readlink } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { formsOf } from '../cli/support.ts';
import { countCanaries, countLeftovers, readLedger } from '../support/canary.ts';
import { snapshot } from '../support/catalog-snapshot.ts';
import { orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import type { Result } from './row.ts';
import type { Stage } from './stage.ts';

type Verdict = Pick<Result, 'lost' | 'doubled' | 'wrong'>;

/**
 * Holds the project, after a run without faults, against what a clean run of the same files makes.
 * @param patience how long what is on its way to its end may take, in ms
 */
export async function judge(stage: Stage, patience = 20_000): Promise<Verdict> {
  const lost: string[] = [];
  const doubled: string[] = [];
  const wrong: string[] = [];
  for (const service of stage.services) {
    const names = await revisionNames(stage.project, service);
    const counts = await countCanaries(stage.project, service).catch(() => ({}) as Record<string, number>);
    lost.push(...names.filter((name) => !counts[name]).map((name) => `${service} ${name}`));
    doubled.push(...names.filter((name) => (counts[name] ?? 0) > 1).map((name) => `${service} ${name}`));
    wrong.push(...(await judgeLedger(stage.project, service, names)));
    wrong.push(...(await judgeCatalog(stage.project, service)));
    wrong.push(...(await judgeLeftovers(stage.project, service, patience)));
  }
  wrong.push(...(await judgeServer(stage.project, patience)));
  wrong.push(...(await strayFiles(stage.project)), ...(await strayProcesses(stage.project, patience)));
  wrong.push(...(await leakedSecrets(stage)));
  return { lost, doubled, wrong };
}

/** As the files say, without their endings. */
async function revisionNames(project: ProjectFolder, service: string): Promise<readonly string[]> {
  const files = Object.keys(await readRevisions(project, service));
  return files.map((file) => file.replace(/\.up\.sql$/, ''));
}

async function judgeLedger(project: ProjectFolder, service: string, names: readonly string[]): Promise<string[]> {
  const found = await readLedger(project, service);
  const wanted = names.map((name) => `${name} applied`);
  return found.join() === wanted.join() ? [] : [`the ledger of ${service} is ${found.join(', ')}`];
}

/** By the hash of the files and their server, whose collation the catalog's order has: what a clean run of them makes. */
const cleanRuns = new Map<string, Promise<string>>();

async function judgeCatalog(project: ProjectFolder, service: string): Promise<string[]> {
  const files = await readRevisions(project, service);
  const key = createHash('sha256')
    .update(JSON.stringify([service, files, project.postgres.host, project.postgres.port]))
    .digest('hex');
  const clean = cleanRuns.get(key) ?? cleanRun(project, service, files);
  cleanRuns.set(key, clean);
  const [found, wanted] = [await catalogOf(project, service), await clean];
  if (found === wanted) return [];
  const lines = wanted.split('\n');
  const other = found.split('\n').findIndex((line, index) => line !== lines[index]);
  return [`the catalog of ${service} differs: ${found.split('\n')[other]} instead of ${lines[other]}`];
}

async function readRevisions(project: ProjectFolder, service: string): Promise<Record<string, string>> {
  const folder = join(project.folder, service, 'revisions');
  const names = (await readdir(folder)).filter((name) => name.endsWith('.up.sql')).sort();
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [name, texts[index] ?? '']));
}

/** On the same server: what is there besides the project's own is part of what a run meets. */
async function cleanRun(
  { postgres }: ProjectFolder,
  service: string,
  revisions: Record<string, string>,
): Promise<string> {
  const project = await makeProject({ [service]: { revisions } }, { postgres });
  const ended = await orch(['migrate'], { cwd: project.folder });
  if (ended.code !== 0) throw new Error(`the clean run failed: ${ended.output}`);
  return await catalogOf(project, service);
}

/** A line for each object and row, with the names that are this project's own made the same in all. */
async function catalogOf(project: ProjectFolder, service: string): Promise<string> {
  const own = ownPart(project);
  const { log: _, ...parts } = await snapshot(project.postgres, project.database(service));
  const lines = Object.entries(parts).flatMap(([part, rows]) => rows.map((row) => `${part} ${JSON.stringify(row)}`));
  return lines.join('\n').replaceAll(own, 'own').replaceAll(project.postgres.adminRole, 'admin');
}

/** Resolves with what is left when nothing is any more, or time is over. */
async function leftAfter<Left>(patience: number, look: () => Promise<readonly Left[]>): Promise<readonly Left[]> {
  const began = performance.now();
  for (;;) {
    const left = await look();
    if (left.length === 0 || performance.now() - began > patience) return left;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function judgeLeftovers(project: ProjectFolder, service: string, patience: number): Promise<string[]> {
  // A backend needs a moment to end once its client has gone.
  const left = await leftAfter(patience, async () => {
    const { locks, sessions } = await countLeftovers(project, service);
    return locks + sessions === 0 ? [] : [`${locks} locks and ${sessions} sessions are left in ${service}`];
  });
  const invalid = await project.sql<{ name: string }>(
    service,
    'SELECT indexrelid::regclass::text AS name FROM pg_index WHERE NOT indisvalid',
  );
  return [...left, ...invalid.map(({ name }) => `the index ${name} of ${service} is invalid`)];
}

/** What outlives a session, and the lock under which roles and databases are made, where nobody is at work with it. */
async function judgeServer(project: ProjectFolder, patience: number): Promise<string[]> {
  const prepared = await project.sql<{ gid: string }>(
    undefined,
    `SELECT gid FROM pg_prepared_xacts WHERE owner LIKE '%${ownPart(project)}'`,
  );
  // Other tests prepare databases on this server meanwhile, some over a network that is silent.
  const idle = await leftAfter(2 * patience, () =>
    project.sql<{ pid: number }>(
      undefined,
      `SELECT a.pid FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid) JOIN pg_database AS d ON d.oid = l.database
       WHERE l.locktype = 'advisory' AND l.granted AND d.datname = 'postgres' AND a.state LIKE 'idle%'`,
    ),
  );
  return [
    ...prepared.map(({ gid }) => `the prepared transaction ${gid} is left`),
    ...idle.map(({ pid }) => `process ${pid} of the server keeps the server's lock`),
  ];
}

/** What the names of this project's databases and roles end with. */
function ownPart(project: ProjectFolder): string {
  return project.database('').split('_').at(-1) ?? '';
}

/** Whatever is in the project's folder that the test did not write: files, and sockets and pipes too. TMPDIR is in it. */
async function strayFiles({ folder }: ProjectFolder): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
  const written = /^(?:[\w-]+\/(?:service\.yaml|revisions\/\w+\.up\.sql)|\w+(?:\.config)?\.yaml|admin_password)$/;
  const names = paths.map((path) => relative(folder, path)).filter((name) => !written.test(name));
  return names.map((name) => `the file ${name} is left`);
}

/** Processes that run in the project's folder; a child of a killed orch may have a moment to end by itself. */
async function strayProcesses(project: ProjectFolder, patience: number): Promise<string[]> {
  const found = await leftAfter(patience, () => processesIn(project.folder));
  return found.map((pid) => `process ${pid} is left`);
}

async function processesIn(folder: string): Promise<readonly string[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name));
  const folders = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')));
  return pids.filter((_, index) => folders[index]?.startsWith(folder));
}

async function leakedSecrets(stage: Stage): Promise<string[]> {
  const { project } = stage;
  const places: Record<string, string> = {
    'the command lines': [...stage.commandLines].join('\n'),
    'the output': stage.ended.map(({ output }) => output).join('\n'),
  };
  for (const service of stage.services) {
    const rows = await project.sql(
      service,
      'SELECT l::text FROM orch.log l UNION ALL SELECT l::text FROM orch.ledger l',
    );
    places[`the ledger of ${service}`] = JSON.stringify(rows);
  }
  const secrets = ['owner-canary-7f3a', 'app-canary-91bc', project.postgres.adminPassword].flatMap(formsOf);
  return Object.entries(places).flatMap(([place, text]) =>
    secrets
      .filter((secret) => text.toLowerCase().includes(secret.toLowerCase()))
      .map((secret) => `${place} hold a secret as ${secret}`),
  );
}
