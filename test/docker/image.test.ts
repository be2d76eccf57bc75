import { describe, expect, inject, it } from 'vitest';
import { docker } from '../support/docker.ts';

const { reason, orchestrator: image } = inject('sampleImages');

/** Runs it once, as tightly as a container can be run. */
function run(args: readonly string[], entrypoint?: string): Promise<string> {
  const tight = [
    '--rm',
    '--read-only',
    '--network',
    'none',
    '--cap-drop',
    'ALL',
    '--security-opt',
    'no-new-privileges',
  ];
  return docker(['run', ...tight, ...(entrypoint === undefined ? [] : ['--entrypoint', entrypoint]), image, ...args]);
}

describe.skipIf(reason !== '')(`the orchestrator's image ${reason}`, () => {
  it('runs orch by itself, on a read-only file system and without any capability', async () => {
    expect(await run(['--help'])).toContain('Usage: orch');
    expect(await run([])).toContain('Usage: orch');
    expect(await run(['--version'])).toMatch(/^\d+\.\d+\.\d+/);
  });

  it('does not run as root', async () => {
    expect(Number(await run(['-u'], 'id'))).toBeGreaterThan(0);
  });

  it.each(['psql', 'pg_dump', 'pg_restore'])('has %s 17', async (program) => {
    expect(await run(['--version'], program)).toMatch(/ 17\.\d+/);
  });

  it('has Node 24', async () => {
    expect(await run(['--version'], 'node')).toMatch(/^v24\./);
  });

  it('has neither PGlite nor development packages in it', async () => {
    const find = [
      '/app',
      '-iname',
      '*pglite.wasm',
      '-o',
      '-path',
      '*/@electric-sql',
      '-o',
      '-name',
      'vitest',
      '-o',
      '-name',
      'typescript',
    ];
    expect(await run(find, 'find')).toBe('');
    expect(await run(['-A', '/app'], 'ls')).toBe('dist\nnode_modules\npackage.json');
  });

  it('says that a project is missing where none is mounted', async () => {
    const failed = await run(['migrate']).catch((error: { code: number; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining('orchestrator.config.yaml') });
  });

  it('is of a size that is reported, not bounded', async () => {
    const size = async (name: string): Promise<number> =>
      Number(await docker(['image', 'inspect', '--format', '{{.Size}}', name]));
    const [all, base] = await Promise.all([size(image), size('node:24-trixie-slim')]);
    const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;
    process.stdout.write(
      `size of the image: ${megabytes(all)}, of which ${megabytes(all - base)} are above its base\n`,
    );
    expect(all).toBeGreaterThan(base);
  });
});
