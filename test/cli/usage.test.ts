import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VERSION } from '../../src/version.ts';
import { type Ended, orch } from '../support/orch.ts';
import { makeProject } from '../support/project-folder.ts';
import { expectClean, expectFault, run } from './support.ts';

const common = ['--config', '--runtime', '--output', '--quiet', '--verbose', '--show-data', '--help'];

/** What the issue names, and the options of each. */
const commands: readonly (readonly [name: string, usage: string, options: readonly string[]])[] = [
  ['up', 'Usage: orch up [options] [service...]', ['--build', '--fail-fast', '--lock-wait', '--set']],
  [
    'migrate',
    'Usage: orch migrate|upgrade [options] [target]',
    ['--service', '--fail-fast', '--allow-out-of-order', '--unclear', '--lock-wait', '--set'],
  ],
  ['plan', 'Usage: orch plan [options] [target]', ['--service', '--allow-out-of-order', '--unclear', '--set']],
  ['current', 'Usage: orch current [options]', ['--service', '--check-heads']],
  ['status', 'Usage: orch status [options]', ['--service']],
  ['reset', 'Usage: orch reset [options] <database>', ['--yes', '--lock-wait', '--set']],
  ['locks', 'Usage: orch locks [options]', ['--service', '--cancel', '--terminate', '--yes']],
  ['wait', 'Usage: orch wait [options]', ['--service']],
  ['logs', 'Usage: orch logs [options] [service...]', ['--follow', '--tail']],
  ['down', 'Usage: orch down [options]', ['--volumes']],
];

/** Runs orch where there is no project at all. */
async function anywhere(args: readonly string[]): Promise<Ended> {
  const cwd = await mkdtemp(join(tmpdir(), 'orch-empty-'));
  onTestFinished(() => rm(cwd, { recursive: true, force: true }));
  const ended = await orch(args, { cwd });
  expectClean(ended);
  return ended;
}

describe('help', () => {
  it.each([[[]], [['--help']], [['-h']], [['help']]])('of orch %j lists every command and exit code', async (args) => {
    const { code, stdout, stderr } = await anywhere(args);
    expect([code, stderr]).toEqual([0, '']);
    for (const [name] of commands) expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    const codes = [...stdout.matchAll(/^ {2}(\d+) +\S/gm)].map(([, number]) => Number(number));
    expect(codes).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 130]);
    expect(stdout).toContain('143 terminated');
  });

  it.each(commands)('of %s says how it is used, with each option', async (name, usage, options) => {
    for (const args of [
      [name, '--help'],
      ['help', name],
    ]) {
      const { code, stdout, stderr } = await anywhere(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout.split('\n')[0]).toBe(usage);
      const offered = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option]) => option);
      expect(offered.sort()).toEqual([...options, ...common].sort());
      expect(stdout).not.toContain('[]');
    }
  });

  it('of upgrade is that of migrate', async () => {
    expect((await anywhere(['help', 'upgrade'])).stdout).toBe((await anywhere(['migrate', '-h'])).stdout);
  });

  it.each(['--version', '-V'])('%s prints the version alone', async (option) => {
    expect(await anywhere([option])).toMatchObject({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['migarte'], "unknown command 'migarte'", 'Did you mean migrate?'],
    [['help', 'stauts'], "unknown command 'stauts'", 'Did you mean status?'],
    [['migrate', '--fial-fast'], "unknown option '--fial-fast'", 'Did you mean --fail-fast?'],
    [['down', '--volume'], "unknown option '--volume'", 'Did you mean --volumes?'],
    [['up', '--quite'], "unknown option '--quite'", 'Did you mean --quiet?'],
    [['plan', '--output', 'jsn'], "argument 'jsn' is invalid", 'tree, plain, json'],
    [['status', '--runtime', 'docker'], "argument 'docker' is invalid", 'compose, local'],
    [['migrate', '--lock-wait', 'soon'], "argument 'soon' is invalid", '30s, 500ms or 2m'],
    [['locks', '--cancel', '0'], "argument '0' is invalid", 'the process id of a session'],
    [['locks', '--cancel', '1', '--terminate', '1'], "cannot be used with option '--terminate <pid>'", 'orch help'],
    [['logs', '--tail', '-3'], "argument '-3' is invalid", 'a whole number'],
    [['reset'], "missing required argument 'database'", 'orch help'],
    [['migrate', '--service'], "'-s, --service <name>' argument missing", 'orch help'],
    [['migrate', '1', '2'], 'too many arguments', 'orch help'],
    [['current', 'api'], 'too many arguments', 'orch help'],
  ])('%j: what is wrong and what is right, exit 2', async (args, fault, hint) => {
    const { code, stdout, stderr } = await anywhere(args);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain(fault);
    expect(stderr.toLowerCase()).toContain(hint.toLowerCase());
    expect(stderr).toContain('(run `orch help` or `orch help <command>`)');
  });

  it.each([
    [['migrate', '--service', 'api-uath']],
    [['plan', '--service', 'api-uath']],
    [['current', '-s', 'api-uath']],
    [['status', '-s', 'api-auth,api-uath']],
    [['wait', '-s', 'api-uath']],
    [['logs', 'api-uath']],
    [['up', 'api-uath', '--runtime', 'local']],
  ])('orch %j names the nearest service and touches nothing', async (args) => {
    const project = await makeProject({ 'api-auth': { revisions: { '001_a.up.sql': 'SELECT 1' } }, 'api-user': {} });
    const ended = await run(project, args);
    expectFault(ended, {
      code: 2,
      happened: ['no service is named "api-uath"; did you mean "api-auth"?', 'known: api-auth and api-user'],
      now: 'nothing was done.',
      next: 'orch status',
    });
    expect(ended.stdout).toBe('');
    expect(
      await project.sql(undefined, `SELECT FROM pg_database WHERE datname = '${project.database('api-auth')}'`),
    ).toEqual([]);
  });

  it('orch reset names the nearest database', async () => {
    const project = await makeProject({ 'api-auth': {} });
    const wrong = `${project.database('api-auth')}x`;
    const ended = await run(project, ['reset', wrong, '--yes']);
    expectFault(ended, {
      code: 2,
      happened: `no database and no service is named "${wrong}"; did you mean "${project.database('api-auth')}"?`,
      now: 'nothing was done.',
      next: `orch reset ${project.database('api-auth')}`,
    });
  });
});
