import { execFile, execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readStatements, StatementReader } from '../../src/core/sql/script.ts';
import { randomScript } from '../core/sql/random-sql.ts';
import { startPostgres, type TestPostgres } from '../support/postgres.ts';

/** False for scripts that a sequence of pieces closed wrongly: those with meta-commands or something left open. */
function isPlain(script: string): boolean {
  const reader = new StatementReader(script);
  while (reader.next());
  return reader.metaCommands.length === 0 && reader.unclosed === undefined;
}

/** psql 15 and newer read numbers as PostgreSQL 15 and newer do. */
function hasPsql(): boolean {
  try {
    const version = execFileSync('psql', ['--version'], { encoding: 'utf8' });
    return Number(/\d+/.exec(version)?.[0]) >= 15;
  } catch {
    return false;
  }
}

/** The queries that psql sent, from its log (`-L`). */
function sentQueries(log: string): readonly string[] {
  const rule = /^(?:\/\*+ QUERY \*+\/|\*+ QUERY \*+)\n([\s\S]*?)\n(?:\/\*+\/|\*+)\n\n/gm;
  return Array.from(log.matchAll(rule), (match) => match[1] ?? '');
}

describe.skipIf(!hasPsql())('random scripts (needs psql 15 or newer)', () => {
  let postgres: TestPostgres;
  let folder: string;

  beforeAll(async () => {
    postgres = await startPostgres();
    folder = await mkdtemp(join(tmpdir(), 'orch-split-'));
  });

  afterAll(async () => {
    await postgres.stop();
    await rm(folder, { recursive: true });
  });

  it('are split where psql itself splits them', async () => {
    const seeds = Array.from({ length: 1_000 }, (_, index) => index + 10_000);
    const scripts = seeds.map((seed) => randomScript(seed, false)).filter(isPlain);
    const files = await Promise.all(
      scripts.map(async (script, index) => {
        const file = join(folder, `${index}.sql`);
        await writeFile(file, `SELECT 'script ${index}';\n${script}`);
        return file;
      }),
    );
    const log = join(folder, 'log');
    const address = ['-h', postgres.host, '-p', String(postgres.port), '-U', postgres.adminRole, '-d', 'postgres'];
    const options = ['-X', '-q', '-L', log, '-o', '/dev/null', ...address, ...files.flatMap((file) => ['-f', file])];
    await promisify(execFile)('psql', options, {
      env: { PATH: process.env.PATH, PGPASSWORD: postgres.adminPassword, PGCLIENTENCODING: 'UTF8' },
      maxBuffer: 1 << 28,
    }).catch(() => undefined);

    const bySeed = groupByScript(sentQueries(await readFile(log, 'utf8')));
    let compared = 0;
    for (const [index, script] of scripts.entries()) {
      const ours = readStatements(script).map(({ start, end }) => script.slice(start, end));
      const theirs = (bySeed.get(index) ?? []).filter((query) => readStatements(query).length > 0);
      const context = JSON.stringify(script);
      expect(theirs.length, context).toBe(ours.length);
      for (const [place, query] of theirs.entries()) {
        // psql keeps comments in front of a statement and leaves out empty lines.
        expect(withoutSpace(query), context).toContain(withoutSpace(ours[place] ?? '\0'));
        compared += 1;
      }
    }
    expect(compared).toBeGreaterThan(1_000);
  });
});

function withoutSpace(text: string): string {
  return text.replaceAll(/[ \t\n]+/g, '');
}

function groupByScript(queries: readonly string[]): ReadonlyMap<number, readonly string[]> {
  const groups = new Map<number, string[]>();
  let current: string[] = [];
  for (const query of queries) {
    const index = /^SELECT 'script (\d+)';$/.exec(query)?.[1];
    if (index === undefined) current.push(query);
    else {
      current = [];
      groups.set(Number(index), current);
    }
  }
  return groups;
}
