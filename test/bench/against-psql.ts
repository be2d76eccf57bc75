/*
 * The built orch against psql on the same files, alternating; the median of each and their ratio.
 *   ORCH_BENCH_URL=postgresql://postgres:…@127.0.0.1:5432 npx tsx test/bench/against-psql.ts small|three|insert|copy [runs]
 * small:  1,000 small revisions from base to head; psql: one session, a transaction each.
 * three:  three databases × 30 revisions from empty; orch in parallel, psql one after another.
 * insert: a seed of 50 MB of INSERTs; psql -1 -f. copy: one of 50 MB of COPY data.
 * Databases `orch_bench_…` on that server are dropped and made anew.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const MEGABYTE = 1024 * 1024;
const [what = 'small', runs = '5'] = process.argv.slice(2);
const address = new URL(process.env.ORCH_BENCH_URL ?? 'postgresql://postgres@127.0.0.1:5432');
const folder = mkdtempSync(join(tmpdir(), 'orch-bench-'));
const main = resolve('dist/main.js');
const psqlEnvironment = {
  ...process.env,
  PGHOST: address.hostname,
  PGPORT: address.port,
  PGUSER: address.username,
  PGPASSWORD: decodeURIComponent(address.password),
};

function psql(args: readonly string[]): void {
  run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', ...args]);
}

/** @returns ms, and the peak of the process's memory in kB */
function run(command: string, args: readonly string[]): { readonly time: number; readonly memory: number } {
  const began = performance.now();
  const options = { cwd: folder, env: psqlEnvironment, encoding: 'utf8' } as const;
  const { status, stderr } = spawnSync('/usr/bin/time', ['-f', 'memory %M', command, ...args], options);
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr}`);
  return { time: performance.now() - began, memory: Number(/memory (\d+)/.exec(stderr)?.[1]) };
}

function revisionText(number: number): string {
  const table = `t${number - ((number - 1) % 4)}`;
  if (number % 4 === 1) return `CREATE TABLE ${table} (id bigint PRIMARY KEY, name text NOT NULL);\n`;
  if (number % 4 === 2) return `ALTER TABLE ${table} ADD COLUMN email text;\n`;
  if (number % 4 === 3) return `CREATE INDEX ix_${table} ON ${table} (name);\n`;
  return `INSERT INTO ${table} (id, name) VALUES (1, 'a'), (2, 'b');\n`;
}

/** Writes the files of one service. @returns their paths */
function writeService(name: string, texts: readonly Iterable<string>[]): readonly string[] {
  const revisions = join(folder, name, 'revisions');
  mkdirSync(revisions, { recursive: true });
  const service = `name: ${name}\ndatabase: orch_bench_${name}\nowner: { role: orch_bench_${name}, password: bench }\n`;
  writeFileSync(join(folder, name, 'service.yaml'), service);
  return texts.map((text, index) => {
    const file = join(revisions, `${String(index + 1).padStart(4, '0')}_r.up.sql`);
    const descriptor = openSync(file, 'w');
    for (const piece of text) writeSync(descriptor, piece);
    closeSync(descriptor);
    return file;
  });
}

function* inserts(): Generator<string> {
  yield 'CREATE TABLE seeded (id bigint, name text, note text);\n';
  for (let size = 0, row = 1; size < 50 * MEGABYTE; row += 1) {
    const line = `INSERT INTO seeded (id, name, note) VALUES (${row}, 'name ${row}', 'a note of row ${row}; it''s as long as those of a real seed, about two hundred bytes with the rest of its statement');\n`;
    size += line.length;
    yield line;
  }
}

function* copyData(): Generator<string> {
  yield 'CREATE TABLE seeded (id bigint, name text, note text);\nCOPY seeded (id, name, note) FROM stdin;\n';
  for (let size = 0, row = 1; size < 50 * MEGABYTE; row += 1) {
    const line = `${row}\tname ${row}\ta note of row ${row}; as long as those of a real seed, about a hundred bytes\n`;
    size += line.length;
    yield line;
  }
  yield '\\.\n';
}

const small = (count: number): readonly string[][] =>
  Array.from({ length: count }, (_, index) => [revisionText(index + 1)]);
const sketches: Readonly<Record<string, Readonly<Record<string, readonly Iterable<string>[]>>>> = {
  small: { one: small(1_000) },
  three: { one: small(30), two: small(30), three: small(30) },
  insert: { one: [inserts()] },
  copy: { one: [copyData()] },
};

const services = Object.entries(sketches[what] ?? {}).map(([name, texts]) => ({
  name,
  files: writeService(name, texts),
}));
const password = decodeURIComponent(address.password);
writeFileSync(
  join(folder, 'orchestrator.config.yaml'),
  `project: bench\nenvironment: development\nservers:\n  main:\n    url: ${address.origin === 'null' ? `postgresql://${address.username}@${address.host}/postgres` : ''}\n    password: '${password}'\nservices: [${services.map(({ name }) => `${name}/service.yaml`).join(', ')}]\n`,
);
for (const { name, files } of services) {
  const driver = files.map((file) => `BEGIN;\n\\i ${file}\nCOMMIT;\n`).join('');
  writeFileSync(join(folder, `${name}.sql`), driver);
}

function clean(): void {
  for (const { name } of services) {
    const database = `orch_bench_${name}`;
    psql(['-d', 'postgres', '-c', `DROP DATABASE IF EXISTS ${database}`, '-c', `DROP ROLE IF EXISTS ${database}`]);
    psql(['-d', 'postgres', '-c', `CREATE ROLE ${database} LOGIN PASSWORD 'bench'`]);
    psql(['-d', 'postgres', '-c', `CREATE DATABASE ${database} OWNER ${database}`]);
  }
}

const results = { psql: [] as number[], orch: [] as number[], memory: 0 };
try {
  for (let round = 0; round < Number(runs); round += 1) {
    clean();
    const isSeed = what === 'insert' || what === 'copy';
    const times = services.map(({ name, files }) => {
      const args = isSeed ? ['-1', '-f', files[0] ?? ''] : ['-f', `${name}.sql`];
      return run('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', `orch_bench_${name}`, ...args]).time;
    });
    results.psql.push(times.reduce((sum, time) => sum + time, 0));
    clean();
    const { time, memory } = run(process.execPath, [main, 'migrate', '--quiet']);
    results.orch.push(time);
    results.memory = Math.max(results.memory, memory);
  }
} finally {
  clean();
  for (const { name } of services) {
    psql(['-d', 'postgres', '-c', `DROP DATABASE orch_bench_${name}`, '-c', `DROP ROLE orch_bench_${name}`]);
  }
  rmSync(folder, { recursive: true });
}

function median(values: readonly number[]): number {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? 0;
}

const ratio = median(results.orch) / median(results.psql);
process.stdout.write(
  `${what}: psql ${median(results.psql).toFixed(0)} ms, orch ${median(results.orch).toFixed(0)} ms, ratio ${ratio.toFixed(2)}, peak memory of orch ${(results.memory / 1024).toFixed(0)} MB (${runs} runs each, node ${process.version})\n`,
);
