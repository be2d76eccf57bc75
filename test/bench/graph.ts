/**
 * The revision graph alone: 10,000 revisions loaded from a folder, put in order, and a range of them resolved:
 *   npx tsx test/bench/graph.ts [revisions]
 */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createRevisionStore } from '../../src/adapters/files/revision-store.ts';
import { buildRevisionGraph } from '../../src/core/revision-graph.ts';
import { resolveRange, resolveTarget } from '../../src/core/revision-range.ts';
import { service } from '../core/support.ts';

const count = Number(process.argv[2] ?? 10_000);
const root = realpathSync(mkdtempSync(join(tmpdir(), 'orch-graph-')));
const revisions = join(root, 'revisions');

function write(): void {
  mkdirSync(revisions);
  for (let number = 1; number <= count; number += 1) {
    const name = `${String(number).padStart(5, '0')}_step`;
    // Every hundredth begins a branch that its next but one joins again.
    const head = number % 100 === 2 && number > 2 ? `-- orch: parents ${number - 2} ${number - 1}\n` : '';
    const branch = number % 100 === 1 && number > 2 ? `-- orch: parents ${number - 2}\n` : '';
    writeFileSync(join(revisions, `${name}.up.sql`), `${head}${branch}CREATE TABLE t${number} (id int);\n`);
    writeFileSync(join(revisions, `${name}.down.sql`), `DROP TABLE t${number};\n`);
  }
}

async function time<T>(what: string, work: () => T | Promise<T>): Promise<T> {
  const began = performance.now();
  const before = process.cpuUsage();
  const result = await work();
  const elapsed = performance.now() - began;
  const { user, system } = process.cpuUsage(before);
  const cpu = (user + system) / 1000;
  process.stdout.write(
    `${what.padEnd(44)} ${elapsed.toFixed(0).padStart(6)} ms, ${cpu.toFixed(0).padStart(6)} ms of CPU\n`,
  );
  return result;
}

try {
  write();
  process.stdout.write(`node ${process.version}, ${count} revisions (${2 * count} files)\n`);
  const store = createRevisionStore({ root, workingFolder: root });
  const loaded = await time('load the folder', () => store.load(service('svc', { folder: root, revisions })));
  const graph = await time('build and order the graph', () => buildRevisionGraph(loaded.revisions));
  const applied = new Set(graph.ordered.slice(0, count / 2).map(({ name }) => name));
  const place = { service: 'svc', graph, applied };
  await time('resolve head', () => resolveTarget(place, 'head'));
  await time('resolve a prefix', () => resolveTarget(place, String(Math.floor(count / 2)).padStart(5, '0')));
  await time(`resolve the range ${count / 4}:${count / 2}`, () => resolveRange(place, `${count / 4}:${count / 2}`));
  await time('resolve -50 from what is applied', () => resolveTarget(place, '-50'));
} finally {
  rmSync(root, { recursive: true });
}
