import { describe, expect, it } from 'vitest';
import type { Edge } from '../../src/cli/command-context.ts';
import { runProgram } from '../../src/cli/program.ts';
import { Failure } from '../../src/core/failure.ts';
import { openRun } from '../../src/wiring/open-run.ts';
import { makeProject } from '../support/project-folder.ts';

interface Called {
  readonly code: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  readonly edited: readonly (readonly [command: string, files: readonly string[]])[];
}

/** The program with a terminal's editor in place of one. */
async function call(cwd: string, environment: Edge['environment'], edit?: Edge['edit']): Promise<Called> {
  const edited: (readonly [string, readonly string[]])[] = [];
  const text = { stdout: '', stderr: '' };
  const writer = (stream: 'stdout' | 'stderr') => ({
    write: (more: string) => {
      text[stream] += more;
    },
  });
  let code: number | undefined;
  const edge: Edge = {
    cwd,
    environment,
    stdout: writer('stdout'),
    stderr: writer('stderr'),
    version: '0.0.0',
    signal: new AbortController().signal,
    ask: undefined,
    edit: edit ?? (async (command, files) => void edited.push([command, files])),
    open: (options) => openRun(options, { cwd, pid: process.pid, environment }),
    setExitCode: (found) => {
      code = found;
    },
    keepSecret: () => undefined,
  };
  await runProgram(edge, ['revision', '-m', 'x', '--edit']);
  return { code, ...text, edited };
}

describe('orch revision --edit', () => {
  it('opens what it wrote in VISUAL, else in EDITOR', async () => {
    const { folder } = await makeProject({ 'api-auth': {} });
    const first = await call(folder, { VISUAL: 'code --wait', EDITOR: 'vi' });
    const files = ['up', 'down'].map((part) => `${folder}/api-auth/revisions/001_x.${part}.sql`);
    expect(first).toMatchObject({ code: 0, edited: [['code --wait', files]] });
    expect(first.stdout).toBe('api-auth/revisions/001_x.up.sql\napi-auth/revisions/001_x.down.sql\n');
    expect((await call(folder, { VISUAL: ' ', EDITOR: 'vi' })).edited[0]?.[0]).toBe('vi');
  });

  it('writes nothing where no editor is named', async () => {
    const { folder } = await makeProject({ 'api-auth': {} });
    const called = await call(folder, {});
    expect(called).toMatchObject({ code: 2, stdout: '', edited: [] });
    expect(called.stderr).toContain('VISUAL or EDITOR');
  });

  it('keeps the files where the editor fails, and says so', async () => {
    const { folder } = await makeProject({ 'api-auth': {} });
    const called = await call(folder, { EDITOR: 'vi' }, (command, files) =>
      Promise.reject(new Failure('editor-failed', { command, reason: 'it ended with exit code 1', files })),
    );
    expect(called.code).toBe(2);
    expect(called.stdout).toContain('001_x.up.sql');
    expect(called.stderr).toContain('the files are written.');
  });
});
