import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { randomFrom } from '../config/random.ts';
import { readLedger } from '../support/canary.ts';
import { until } from '../support/local-service.ts';
import type { Ended } from '../support/orch.ts';
import { makeProject, type ProjectFolder, type ServiceSketch } from '../support/project-folder.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { judge } from './oracle.ts';
import type { Injection, Result, Row, Scene } from './row.ts';
import { Stage, type StageOptions } from './stage.ts';

/** Makes the scene, runs orch into the fault, runs it again without, and judges what is there then. */
export async function runInjection({ seed, row }: Injection, options: StageOptions = {}): Promise<Result> {
  // Numbers that follow each other would begin alike.
  const draw = randomFrom(Math.imul(seed, 2_654_435_761));
  const scene = row.scene(draw);
  const project = await makeScene(scene, row);
  const proxy = await startTcpProxy(project.postgres);
  const place = { project, proxy, draw, services: Object.keys(scene.services), applied: scene.applied };
  const stage = new Stage(place, options);
  await prepare(stage, scene);
  const firsts = await row.inject(stage);
  const began = performance.now();
  const misspoken = firsts.flatMap((ended) => judgeEnd(row.ends, ended));
  const wrong: string[] = [];
  await row.mend?.(stage);
  const forgotten = row.forgets === true ? [] : await findForgotten(stage, firsts);
  const release = await watchRelease(stage, began);
  const released = release().then(async (held) => {
    await row.mendWhenReleased?.(stage);
    return held;
  });
  const [lockHeld, last] = await Promise.all([released, (row.again?.(stage) ?? stage.startDirect()).ended]);
  const recovery = Math.round(performance.now() - began);
  if (last.code !== 0) wrong.push(`the run without the fault ended with ${last.code}: ${last.stderr.slice(-600)}`);
  if (!stage.hit && row.mayMiss !== true) wrong.push('the fault did not take place');
  const verdict = await judge(stage);
  wrong.push(...((await row.check?.(stage)) ?? []));
  const ends = firsts.map(({ code, signal }) => String(code ?? signal));
  wrong.push(...stage.hung, ...stage.complaints, ...verdict.wrong);
  return {
    seed,
    row: row.name,
    hit: stage.hit,
    ...verdict,
    lost: [...forgotten, ...verdict.lost],
    misspoken,
    wrong,
    ends,
    recovery,
    lockHeld,
  };
}

async function makeScene(scene: Scene, row: Row): Promise<ProjectFolder> {
  const first = Object.entries(scene.services).map(([name, sketch]) => [name, firstOf(sketch, scene.applied)] as const);
  const postgres = await row.server?.();
  const project = await makeProject(Object.fromEntries(first), {
    yaml: `policies: { lockWait: 30s }\n${scene.yaml ?? ''}`,
    ...(scene.environment === undefined ? {} : { environment: scene.environment }),
    ...(postgres === undefined ? {} : { postgres }),
  });
  await mkdir(join(project.folder, 'tmp'));
  return project;
}

function firstOf(sketch: ServiceSketch, count: number): ServiceSketch {
  return { ...sketch, revisions: Object.fromEntries(Object.entries(sketch.revisions ?? {}).slice(0, count)) };
}

/** Applies the first revisions, then lays out the rest. */
async function prepare(stage: Stage, scene: Scene): Promise<void> {
  if (scene.applied > 0) {
    const ended = await stage.startDirect().ended;
    if (ended.code !== 0) throw new Error(`the scene could not be made: ${ended.output}`);
  }
  for (const [service, { revisions = {} }] of Object.entries(scene.services)) {
    for (const [file, text] of Object.entries(revisions))
      await writeFile(join(stage.project.folder, service, 'revisions', file), text);
  }
}

/** What is not as the row says in how a run with the fault ended. */
export function judgeEnd(ends: Row['ends'], ended: Ended): string[] {
  const end = String(ended.code ?? ended.signal);
  const words = ends[end];
  const tail = ended.output.slice(-800);
  if (words === undefined) return [`it ended with ${end}: ${tail}`];
  const wrong = words
    .filter((pattern) => !pattern.test(ended.output))
    .map((pattern) => `${end} without ${pattern}: ${tail}`);
  if (/^\s+at /m.test(ended.output) || ended.output.includes('this is a bug')) wrong.push(`a stack trace: ${tail}`);
  const isFailure = ended.code !== null && ended.code > 0 && ended.code < 128;
  if (isFailure && !/✖ [\s\S]*\n {2}now: {3}[\s\S]*\n {2}next: {2}/.test(ended.stderr))
    wrong.push(`${end} without what happened, the state and the next command: ${tail}`);
  // A run that a signal ended says so below its plan; before there was one, as any failure does.
  const isNamed = COMMAND.test(ended.stderr) || ended.output.includes('orch status shows what is left');
  if (ended.code !== null && ended.code > 0 && !isNamed) wrong.push(`${end} names no command: ${tail}`);
  return wrong;
}

/** What can be typed as it stands, in a shell or in psql. */
const COMMAND = /\n {2}next: {2}(?:.*\n {9})*.*\b(?:orch|docker|npm|ss|ls|chmod|ALTER|DROP|GRANT|CREATE) (?:-|\w)/;

/** Revisions that a run has told to be applied, and that are not (V19). */
async function findForgotten(stage: Stage, firsts: readonly Ended[]): Promise<string[]> {
  const told = firsts.flatMap(({ stderr }) => [...stderr.matchAll(/^(\S+) {2}(\S+) {2}applied\b/gm)]);
  const forgotten: string[] = [];
  for (const [, service = '', revision = ''] of told) {
    if (!(await readLedger(stage.project, service)).includes(`${revision} applied`))
      forgotten.push(`${service} ${revision}, which was told to be applied`);
  }
  return forgotten;
}

/**
 * Notes the sessions that the server has of runs that are over.
 * @returns what waits for their end, and with it that of their locks, and gives how long from `began` on that took, in ms
 */
async function watchRelease(stage: Stage, began: number): Promise<() => Promise<number>> {
  const databases = stage.services.map((service) => `'${stage.project.database(service)}'`).join(', ');
  const sessions = `SELECT pid FROM pg_stat_activity WHERE datname IN (${databases}) AND application_name LIKE 'orch %'`;
  const found = await stage.project.sql<{ pid: number }>(undefined, sessions);
  if (found.length === 0) return async () => 0;
  const left = `SELECT FROM pg_stat_activity WHERE pid IN (${found.map(({ pid }) => pid).join(', ')})`;
  return async () => {
    await until(
      'the server has ended the old sessions',
      async () => (await stage.project.sql(undefined, left)).length === 0,
    );
    return Math.round(performance.now() - began);
  };
}
