import { execFile } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ComposeCli, hasComposeCli } from '../../src/adapters/compose/compose-cli.ts';
import { failureOf } from '../support/compose-project.ts';

const run = promisify(execFile);

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-cli-'));
});

afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** A program of that name, first and only one on the search path. */
async function program(name: string, script: string): Promise<void> {
  const path = join(folder, name);
  await writeFile(path, `#!${process.execPath}\n${script}\n`);
  await chmod(path, 0o755);
}

function cli(patience?: number): ComposeCli {
  return new ComposeCli({
    files: ['/p/compose.yaml'],
    project: 'shop',
    folder,
    environment: { PATH: folder, SECRET: 'canary' },
    ...(patience === undefined ? {} : { patience }),
  });
}

const tell = `console.log(JSON.stringify({ args: process.argv.slice(2), environment: process.env }))`;

describe('the Compose CLI', () => {
  it('is called with the files and the project, and with the given environment alone', async () => {
    await program('docker', tell);
    const told = JSON.parse((await cli().run(['config'])).stdout);
    expect(told.args).toEqual(['compose', '-f', '/p/compose.yaml', '-p', 'shop', 'config']);
    expect(told.environment).toMatchObject({ SECRET: 'canary', PATH: folder, COMPOSE_ANSI: 'never' });
    expect(told.environment).not.toHaveProperty('HOME');
    expect(JSON.stringify(told.args)).not.toContain('canary');
  });

  it.each([
    ["docker: 'compose' is not a docker command."],
    ['docker: unknown command: docker compose'],
    ["unknown shorthand flag: 'f' in -f"],
  ])('is docker-compose where docker says: %s', async (words) => {
    await program('docker', `console.error(${JSON.stringify(words)});process.exit(125)`);
    await program('docker-compose', tell);
    const told = JSON.parse((await cli().run(['config'])).stdout);
    expect(told.args).toEqual(['-f', '/p/compose.yaml', '-p', 'shop', 'config']);
  });

  it('is looked for on the search path, and none is the failure docker-unavailable', async () => {
    expect(await hasComposeCli({ PATH: folder })).toBe(false);
    expect(await failureOf(cli().run(['config']))).toMatchObject({
      code: 'docker-unavailable',
      details: { what: 'no-compose', tried: ['docker compose: not found', 'docker-compose: not found'] },
    });
    await program('docker-compose', tell);
    expect(await hasComposeCli({ PATH: folder })).toBe(true);
  });

  it('gives its exit code and the last lines of what it said', async () => {
    await program('docker', `for (let n = 1; n <= 300; n++) console.error('line ' + n); process.exitCode = 17`);
    const answer = await cli().run(['up']);
    expect(answer.exitCode).toBe(17);
    expect(answer.lines.at(-1)).toBe('line 300');
    expect(answer.lines.length).toBeLessThan(300);
  });

  it('is killed with all that it started where it does not heed the interrupt', async () => {
    const stubborn = `process.on('SIGINT', () => {}); setInterval(() => {}, 1000);`;
    await program(
      'plugin',
      `${stubborn} require('fs').writeFileSync(${JSON.stringify(join(folder, 'pid'))}, String(process.pid)); console.error('ready')`,
    );
    const path = JSON.stringify(join(folder, 'plugin'));
    await program('docker', `${stubborn} require('child_process').spawn(${path}, { stdio: 'inherit' })`);
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const running = cli(100).run(['build'], { signal: interrupt.signal, onOutput: () => interrupt.abort(reason) });
    expect(await failureOf(running)).toBe(reason);
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'));
    await expect.poll(() => stateOf(pid)).toMatch(/^(Z.*)?$/);
  });

  it('is not started at all where the interrupt was before it', async () => {
    await program('docker', `require('fs').writeFileSync(${JSON.stringify(join(folder, 'ran'))}, '')`);
    const reason = new Error('interrupted');
    expect(await failureOf(cli().run(['up'], { signal: AbortSignal.abort(reason) }))).toBe(reason);
    expect(await readFile(join(folder, 'ran'), 'utf8').catch(() => 'no')).toBe('no');
  });
});

/** What `ps` says of a process; empty: it is gone. A killed orphan stays `Z` until init takes note. */
async function stateOf(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-o', 'stat=', '-p', String(pid)]).catch(() => ({ stdout: '' }));
  return stdout.trim();
}
