import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { type PsqlEnd, psql } from '../support/psql.ts';
import { run } from './support.ts';

/** The script for the project's service, run by psql; whether a command of the shell was run by it. */
async function runScript(
  text: string | Readonly<Record<string, string>>,
): Promise<{ end: PsqlEnd; ranCommand: boolean; project: ProjectFolder; script: string }> {
  const project = await makeProject({ shop: {} });
  const mark = join(project.folder, 'ran');
  const files = typeof text === 'string' ? { '001_a.up.sql': text } : text;
  for (const [name, content] of Object.entries(files))
    await project.write(`shop/revisions/${name}`, content.replaceAll('COMMAND', `\\! touch ${mark} #`));
  const { code, stdout, output } = await run(project, ['sql']);
  expect(code, output).toBe(0);
  await project.sql(undefined, `CREATE ROLE ${project.owner('shop')} LOGIN; CREATE ROLE ${project.app('shop')} LOGIN`);
  await project.sql(undefined, `CREATE DATABASE ${project.database('shop')} OWNER ${project.owner('shop')}`);
  const end = await psql(project.postgres, project.database('shop'), stdout);
  return { end, ranCommand: existsSync(mark), project, script: stdout };
}

const line = '\nCOMMAND\n';

describe('a script of orch sql, read by psql', () => {
  it.each([
    ['a string', `SELECT 'a${line}b';`],
    ['a string with escapes', `SELECT E'a\\'${line}b';`],
    ['a dollar quote', `DO $$ BEGIN${line.replace('COMMAND', '-- COMMAND')} END $$; SELECT $x$${line}$x$;`],
    ['a quoted name', `SELECT 1 AS "a${line}b";`],
    ['a comment', `/* a${line}b /* c${line} */ */ SELECT 1; -- COMMAND\n`],
    ['the rows of COPY', `CREATE TABLE t (a text);\nCOPY t FROM stdin;\nCOMMAND\n\\\\! also\n\\.\nSELECT 1;`],
  ])('runs no command that stands in %s', async (_where, text) => {
    const { end, ranCommand } = await runScript(text);
    expect(end).toEqual({ code: 0, output: expect.not.stringContaining('ERROR') });
    expect(ranCommand).toBe(false);
  });

  // Where the text says openly that it changes the setting, its own quotes are read by that, and the command is found.
  it.each([
    ["SELECT set_config('standard_con' || 'forming_strings', 'off', true);\nSELECT 'a\\'' COMMAND '\n;"],
    [
      "-- orch: transaction none\nDO $$ BEGIN EXECUTE 'SET standard_con' || 'forming_strings = off'; END $$;\nSELECT 'a\\'' COMMAND '\n;",
    ],
    ["SELECT set_config('client_' || 'encoding', 'SJIS', true);\nSELECT 'あ', ' COMMAND\n';"],
  ])('runs no command where the text changes, unseen, how psql reads quotes: %s', async (text) => {
    const { ranCommand, end } = await runScript(text);
    expect(ranCommand, end.output).toBe(false);
  });

  it('runs no command that stands in a TypeScript revision', async () => {
    const code = `export async function up({ query }) {
  await query('SET standard_conforming_strings = off');
  await query("SELECT 'a\\\\'' \\\\! touch ran #'");
}`;
    const { ranCommand, project } = await runScript({ '001_a.ts': code });
    expect(ranCommand).toBe(false);
    expect(existsSync(join(project.folder, 'ran'))).toBe(false);
    expect(existsSync('ran')).toBe(false);
  });

  it('fences a text with a backslash in, with a key that the text cannot know', async () => {
    const { script } = await runScript({ '001_a.up.sql': "SELECT E'\\n';", '002_b.up.sql': 'SELECT 1;' });
    const [, key] = /^\\restrict (\w{36,})$/m.exec(script) ?? [];
    expect(script.match(/^\\restrict/gm)).toHaveLength(1);
    expect(script).toContain(`\\unrestrict ${key}\n`);
    const other = await runScript({ '001_a.up.sql': "SELECT E'\\t';", '002_b.up.sql': 'SELECT 1;' });
    expect(other.script).not.toContain(key);
  });

  it('is shown on a terminal without what a terminal obeys, and is written to a pipe as it is', async () => {
    const text = "SELECT '\u001b]0;evil\u0007\u202e', E'\\t\\n';\n\tSELECT 2;\n";
    const project = await makeProject({ shop: { revisions: { '001_a.up.sql': text } } });
    const piped = await run(project, ['sql']);
    expect(piped.stdout).toContain('\u001b]0;evil\u0007\u202e');
    const program = new URL('../../dist/main.js', import.meta.url).pathname;
    const { stdout } = await promisify(execFile)(
      'script',
      ['-qec', `${process.execPath} ${program} sql`, '/dev/null'],
      {
        cwd: project.folder,
      },
    );
    expect(stdout).toContain("'\\x1b]0;evil\\x07\\u202e'");
    expect(stdout).toContain('\tSELECT 2');
    for (const raw of ['\u001b', '\u0007', '\u202e']) expect(stdout).not.toContain(raw);
  });
});
