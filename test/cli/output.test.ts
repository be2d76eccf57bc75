import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { jsonLines, run } from './support.ts';

const revisions = {
  '001_a.up.sql': 'CREATE TABLE a ();',
  '002_notice.up.sql': "DO $$ BEGIN RAISE NOTICE 'a notice'; RAISE WARNING 'a warning'; END $$;",
};

async function projectOf(more: Readonly<Record<string, string>> = {}): Promise<ProjectFolder> {
  return await makeProject({ api: { revisions: { ...revisions, ...more }, seeds: { '001_s.up.sql': 'SELECT 1' } } });
}

/** Each command with the type of its last line of JSON, in an order in which each has something to tell. */
const commands: readonly (readonly [args: readonly string[], last: string, code: number])[] = [
  [['wait'], 'server-ready', 0],
  [['plan'], 'plan', 0],
  [['status'], 'status', 3],
  [['migrate', '1'], 'run-finished', 0],
  [['migrate'], 'run-finished', 0],
  [['migrate'], 'run-finished', 0],
  [['current'], 'current', 0],
  [['status'], 'status', 0],
  [['reset', 'api'], 'run-failed', 2],
  [['reset', 'api', '--yes'], 'run-finished', 0],
  [['logs'], 'run-started', 0],
  [['down'], 'stopped', 0],
];

describe('--output json', () => {
  it('is a documented object a line, on stdout alone, of every command', async () => {
    const project = await projectOf();
    const types = new Set<string>();
    for (const [args, last, code] of commands) {
      const ended = await run(project, [...args, '--output', 'json']);
      const lines = jsonLines(ended);
      expect({ args, code: ended.code, last: lines.at(-1)?.type }).toEqual({ args, code, last });
      expect(ended.stderr, args.join(' ')).toBe('');
      expect(lines[0]).toMatchObject({ type: 'run-started', command: args[0], project: 'sample' });
      for (const { type } of lines) types.add(type);
    }
    // Only where another test prepares its databases on the same server.
    types.delete('lock-awaited');
    expect([...types].sort()).toEqual(
      [
        ...['run-started', 'server-ready', 'plan-made', 'step-started', 'step-finished', 'notice-received'],
        ...['run-finished', 'run-failed', 'current', 'status', 'plan', 'loss', 'stopped'],
      ].sort(),
    );
  });

  it('has the exit code of the run, its services and failures', async () => {
    const project = await projectOf({ '003_x.up.sql': 'SELECT 1/0' });
    const ended = await run(project, ['migrate', '-o', 'json']);
    const last = jsonLines(ended).at(-1);
    expect(last).toMatchObject({
      type: 'run-finished',
      command: 'migrate',
      exitCode: 5,
      unchanged: false,
      services: [
        { service: 'api', status: 'failed', heads: ['002_notice'], applied: ['001_a', '002_notice'], seeded: [] },
      ],
      failures: [
        {
          code: 'sql-failed',
          exitCode: 5,
          state: expect.stringContaining('rolled back'),
          next: [expect.stringContaining('orch migrate')],
        },
      ],
    });
    expect(ended.code).toBe(5);
    expect(ended.stderr).toBe('');
  });

  it('never has the text of a revision that is well', async () => {
    const project = await projectOf({ '003_x.up.sql': "CREATE TABLE b AS SELECT 'text-of-the-revision' AS text" });
    for (const args of [['plan'], ['migrate', '--verbose']]) {
      const ended = await run(project, [...args, '-o', 'json']);
      expect(ended.code).toBe(0);
      expect(ended.output).not.toContain('text-of-the-revision');
    }
  });
});

describe('--quiet', () => {
  it('says nothing where all is well, and keeps the answers that were asked for', async () => {
    const project = await projectOf();
    for (const args of [['wait'], ['migrate'], ['migrate'], ['reset', 'api', '--yes'], ['logs']]) {
      expect(await run(project, [...args, '--quiet']), args.join(' ')).toMatchObject({ code: 0, output: '' });
    }
    for (const args of [['plan'], ['current'], ['status'], ['down']]) {
      const ended = await run(project, [...args, '-q']);
      expect(ended).toMatchObject({ code: 0, stderr: '' });
      expect(ended.stdout).not.toBe('');
    }
  });

  it('tells failures in full, on stderr', async () => {
    const project = await projectOf({ '003_x.up.sql': 'SELECT 1/0' });
    const ended = await run(project, ['migrate', '--quiet']);
    expect(ended).toMatchObject({ code: 5, stdout: '' });
    expect(ended.stderr).toMatch(/^\n✖ api: 003_x failed: division by zero \(22012\)\n/);
    expect(ended.stderr).toContain('  next:  orch migrate --service api\n');
  });
});

describe('plain output', () => {
  it('puts progress on stderr and answers on stdout', async () => {
    const project = await projectOf();
    const migrated = await run(project, ['migrate']);
    expect(migrated.stderr).toMatch(/^orch migrate {2}sample /);
    expect(migrated.stderr).toContain('001_a  applied');
    expect(migrated.stdout).not.toContain('001_a  applied');
    expect(migrated.stdout).toContain('1 database done in ');
    const status = await run(project, ['status']);
    expect(status.stdout).toMatch(/^SERVICE +DATABASE +HEAD +PENDING +VERDICT\napi +\S+ +002_notice +none +at head\n$/);
    const current = await run(project, ['current']);
    expect(current.stdout).toMatch(
      /^SERVICE +DATABASE +HEAD +APPLIED +SINCE\napi +\S+ +002_notice +2 +\d{4}-\d\d-\d\dT[\d:.]+Z\n$/,
    );
    for (const { stdout, stderr } of [status, current]) {
      expect(stdout).not.toContain('orch ');
      expect(stderr).not.toContain('SERVICE');
    }
  });

  it('tells warnings of the server, and its notices with --verbose', async () => {
    const project = await projectOf();
    const migrated = await run(project, ['migrate']);
    expect(migrated.stderr).toContain('api  warning: a warning\n');
    expect(migrated.stderr).not.toContain('a notice');
    expect((await run(project, ['reset', 'api', '--yes', '--verbose'])).stderr).toContain('api  notice: a notice\n');
  });

  it.each([
    [{}, false],
    [{ FORCE_COLOR: '1' }, true],
    [{ FORCE_COLOR: '1', NO_COLOR: '1' }, false],
    [{ FORCE_COLOR: '1', NO_COLOR: '' }, true],
    [{ FORCE_COLOR: '0' }, false],
  ])('is coloured with %j: %s', async (env, colored) => {
    const project = await projectOf({ '003_x.up.sql': 'SELECT 1/0' });
    const ended = await run(project, ['migrate'], { env });
    expect(ended.stdout.includes('\u001b[')).toBe(colored);
    expect(ended.stderr.includes('\u001b[')).toBe(colored);
    const json = await run(project, ['migrate', '-o', 'json'], { env });
    expect(json.output).not.toContain('\u001b');
  });

  it('ends quietly where the reader of stdout goes away', async () => {
    const project = await projectOf();
    const { startOrch } = await import('../support/orch.ts');
    const running = startOrch(['help'], { cwd: project.folder });
    running.child.stdout?.destroy();
    const ended = await running.ended;
    expect(ended.stderr).toBe('');
    expect(ended.code).toBe(0);
  });
});
