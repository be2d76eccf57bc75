import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const run = promisify(execFile);
const repository = fileURLToPath(new URL('../..', import.meta.url));

interface Packed {
  readonly filename: string;
  readonly files: readonly { readonly path: string }[];
}

describe('the package that npm pack makes', () => {
  let folder: string;
  let files: readonly string[];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orch-package-'));
    const options = { cwd: repository, maxBuffer: 16 * 1024 * 1024 };
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], options);
    // `npm pack` builds first (the script `prepare`), and what that prints stands before the JSON.
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('[\n'))) as [Packed];
    files = packed.files.map(({ path }) => path);
    await writeFile(join(folder, 'package.json'), '{ "name": "somebody", "private": true, "type": "module" }');
    await run('npm', ['install', '--no-audit', '--no-fund', join(folder, packed.filename)], { cwd: folder });
  });

  afterAll(() => rm(folder, { recursive: true, force: true }));

  test('works as a command in an empty folder', async () => {
    const { stdout } = await run('npx', ['orch', '--help'], { cwd: folder });
    expect(stdout).toContain('Usage: orch');
  });

  test('names the config that is missing there, without a stack trace', async () => {
    const ended = await run('npx', ['orch', 'plan'], { cwd: folder }).catch((error: unknown) => error);
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringContaining('orchestrator.config.yaml') });
    expect((ended as { stderr: string }).stderr).not.toMatch(/^\s+at /m);
  });

  test('has source maps, types, both JSON Schemas and the licence, and no test, sample or secret', () => {
    const wanted = ['dist/main.js', 'dist/main.js.map', 'dist/api.js', 'dist/types/api.d.ts', 'LICENSE', 'README.md'];
    for (const file of [...wanted, 'dist/orchestrator.schema.json', 'dist/service.schema.json'])
      expect(files).toContain(file);
    const foreign = files.filter((file) => !/^(dist\/|LICENSE$|README\.md$|package\.json$)/.test(file));
    expect(foreign).toEqual([]);
    expect(files.filter((file) => /\.test\.|fixture|services\//.test(file))).toEqual([]);
  });

  test('gives the API its types', async () => {
    await writeFile(
      join(folder, 'consumer.ts'),
      `import { Failure, type RevisionHandle, upgrade } from 'orch';
export const names: Promise<readonly string[]> = upgrade({ services: ['a'] }).then((outcome) => outcome.services.map((s) => s.service));
export async function up(database: RevisionHandle): Promise<void> {
  const { rows } = await database.query<{ n: number }>('SELECT 1 AS n');
  const n: number = rows[0]?.n ?? 0;
  database.progress(n);
}
// @ts-expect-error there is no such option
upgrade({ nonsense: true }).catch((error: unknown) => error instanceof Failure && error.code === 'lock-held');
`,
    );
    const options = [
      '--ignoreConfig',
      '--noEmit',
      '--strict',
      '--module',
      'nodenext',
      '--target',
      'es2023',
      'consumer.ts',
    ];
    const checked = run(join(repository, 'node_modules/.bin/tsc'), options, { cwd: folder });
    await checked.catch((error: { readonly stdout: string }) => expect.fail(error.stdout));
  });

  test('is loaded through its name, with its schemas', async () => {
    const script = `import { upgrade } from 'orch'; console.log(typeof upgrade, import.meta.resolve('orch/schema/service.json'))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '--eval', script], { cwd: folder });
    expect(stdout).toMatch(/^function file:.*service\.schema\.json/);
    const schema = await readFile(join(folder, 'node_modules/orch/dist/service.schema.json'), 'utf8');
    expect(JSON.parse(schema)).toHaveProperty('properties.revisions');
  });
});
