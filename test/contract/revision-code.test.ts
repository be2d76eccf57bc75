import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { canStripTypes } from '../../src/adapters/files/native-typescript.ts';
import type { RevisionHandle } from '../../src/ports/revision-handle.ts';
import { createRevisionProject, faultsOf, type RevisionProject } from '../support/revision-folders.ts';

const handle = { config: { service: 'auth', database: 'authdb' } } as RevisionHandle;

const sayUp = `import type { RevisionHandle } from 'orch';
import { word } from './helper.mjs';
export const up = async (database: RevisionHandle): Promise<void> => {
  throw new Error(\`\${word as string} \${database.config.database}\`);
};
export async function down({ config }: RevisionHandle) { throw new Error('down ' + config.service); }
`;

async function loadCode(project: RevisionProject, direction: 'up' | 'down' = 'up') {
  const [revision] = (await project.store.load(project.service)).revisions;
  const code = direction === 'up' ? revision?.up : revision?.down;
  if (code?.language !== 'typescript') throw new Error('the project has no TypeScript revision');
  return { run: project.store.loadCode(code), code };
}

async function codeFaults(text: string, direction: 'up' | 'down' = 'up'): Promise<readonly string[]> {
  const project = await createRevisionProject({ '001_a.ts': text });
  return await faultsOf((await loadCode(project, direction)).run);
}

describe('a TypeScript revision', () => {
  it('is loaded without a build step, both directions, with what it imports', async () => {
    const project = await createRevisionProject({ '001_a.ts': sayUp.replace('./helper', '../helper') });
    writeFileSync(join(project.root, 'helper.mjs'), 'export const word = "up";');
    const up = await (await loadCode(project)).run;
    await expect(up(handle)).rejects.toThrow('up authdb');
    const down = await (await loadCode(project, 'down')).run;
    await expect(down(handle)).rejects.toThrow('down auth');
  });

  it('is the text that was hashed, even if the file has another by now', async () => {
    const project = await createRevisionProject({
      '001_a.ts': 'export async function up() { throw new Error("first"); }',
    });
    const [revision] = (await project.store.load(project.service)).revisions;
    writeFileSync(join(project.revisions, '001_a.ts'), 'export async function up() { throw new Error("second"); }');
    if (revision?.up.language !== 'typescript') throw new Error('no TypeScript');
    const up = await project.store.loadCode(revision.up);
    await expect(up(handle)).rejects.toThrow('first');
    const again = await (await loadCode(project)).run;
    await expect(again(handle)).rejects.toThrow('second');
  });

  it('may use TypeScript that is more than types', async () => {
    const project = await createRevisionProject({
      '001_a.ts': 'enum E { a = 7 }\nexport async function up() { throw new Error("e" + E.a); }',
    });
    await expect((await (await loadCode(project)).run)(handle)).rejects.toThrow('e7');
  });

  it('is not part of the program that loads it: top-level await works', async () => {
    expect(await codeFaults('await Promise.resolve();\nexport const up = async () => {};')).toEqual([]);
  });
});

describe('a TypeScript revision is refused where', () => {
  it.each([
    ['it has no up', 'export const upward = 1; // up', 'up', ['revisions/001_a.ts exports no function "up"']],
    ['its up is no function', 'export const up = 1;', 'up', ['revisions/001_a.ts exports "up", which is no function']],
    [
      'it has no down',
      'export const up = () => {}; // down',
      'down',
      ['revisions/001_a.ts exports no function "down"'],
    ],
    [
      'its syntax is wrong',
      'export const up = async () => {\n  const a = ;\n};\n',
      'up',
      [expect.stringMatching(/^revisions\/001_a\.ts:2:13 is no valid TypeScript: \S/)],
    ],
    [
      'it throws while it is loaded',
      'export const up = 1;\n\nthrow new Error("not now");\n',
      'up',
      [expect.stringMatching(/^revisions\/001_a\.ts:3:\d+ throws while it is loaded: Error: not now$/)],
    ],
    [
      'it throws something that is no error',
      'export const up = 1;\nthrow "nothing";\n',
      'up',
      ['revisions/001_a.ts throws while it is loaded: nothing'],
    ],
    [
      'it imports what is not there',
      'import { a } from "./nowhere.mjs";\nexport const up = () => a;\n',
      'up',
      [expect.stringMatching(/^revisions\/001_a\.ts(?::1)? cannot be loaded: Cannot find module '?.*nowhere\.mjs/)],
    ],
  ] as const)('%s', async (_, text, direction, expected) => {
    expect(await codeFaults(text, direction)).toEqual(expected);
  });

  it('and the failure shows the line, never a stack', async () => {
    const project = await createRevisionProject({ '001_a.ts': 'export const up = 1;\nthrow new Error("a");' });
    const { run } = await loadCode(project);
    await expect(run).rejects.toMatchObject({
      code: 'revision-invalid',
      details: {
        service: 'auth',
        faults: [{ source: 'throw new Error("a");', message: expect.not.stringContaining('\n') }],
      },
    });
  });
});

/** Vitest loads modules by itself; only a plain Node shows what Node does. */
const script = `
import { createRevisionStore } from ${JSON.stringify(new URL('../../src/adapters/files/revision-store.ts', import.meta.url).href)};
const [root] = process.argv.slice(2);
const store = createRevisionStore({ root, workingFolder: root });
const service = { name: 'auth', revisions: root + '/revisions', seeds: undefined };
const { revisions } = await store.load(service);
for (const { up } of revisions) {
  try {
    const run = await store.loadCode(up);
    await run();
  } catch (error) {
    const { line, column, message } = error.details.faults[0];
    console.log(line, column, message);
  }
}
`;

it.skipIf(!canStripTypes())('a Node that strips types loads the text that was hashed by itself', async () => {
  const project = await createRevisionProject({
    '001_a.ts':
      'import { b } from "../b.ts";\nexport const up = (x: number = 2): void => console.log("loaded", x + b);',
    '002_b.ts': 'export const up = async () => {\n  const a = ;\n};',
    '003_c.ts': 'enum E { a = 7 }\nexport const up = () => console.log("loaded", E.a);',
    '004_d.ts': 'export const up = 1;\n\nthrow new Error("d");',
  });
  writeFileSync(join(project.root, 'b.ts'), 'export const b: number = 40;');
  writeFileSync(join(project.root, 'run.ts'), script);
  const { stdout } = await promisify(execFile)(process.execPath, [join(project.root, 'run.ts'), project.root]);
  expect(stdout.trim().split('\n')).toEqual([
    'loaded 42',
    '2 13 is no valid TypeScript: Expression expected',
    'loaded 7',
    '3 7 throws while it is loaded: Error: d',
  ]);
});
