import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { defaultNaming } from '../../src/core/naming.ts';
import { faultLines, GOOD, load, MAIN } from './project-folder.ts';

describe('what new revision files are made with', () => {
  it('is built in where the config says nothing', async () => {
    const project = await load(GOOD);
    expect(project.templates).toBeUndefined();
    expect(project.naming).toEqual(defaultNaming);
  });

  it('is the folder and the patterns of the config', async () => {
    const yaml = `${MAIN}templates: tpl\nnaming:\n  ix: idx_{table}_{columns}\n  fk: fk_%(table_name)s_%(referred_table_name)s\n`;
    const project = await load({ ...GOOD, 'orchestrator.config.yaml': yaml, 'tpl/': '' });
    expect(project.templates).toBe(join(project.root, 'tpl'));
    expect(project.naming).toEqual({
      ...defaultNaming,
      ix: 'idx_{table}_{columns}',
      fk: 'fk_%(table_name)s_%(referred_table_name)s',
    });
  });

  it.each([
    [
      'a folder that is not there',
      'templates: tpl\n',
      /^orchestrator.config.yaml:10:12: the templates folder \S*tpl does not exist/,
    ],
    [
      'a file',
      'templates: a/service.yaml\n',
      /^orchestrator.config.yaml:10:12: the templates folder \S+ is not a folder/,
    ],
    [
      'a folder outside the project',
      'templates: ..\n',
      /^orchestrator.config.yaml:10:12: the templates folder \S+ is outside the project/,
    ],
    [
      'a word that means nothing',
      'naming:\n  ix: ix_{tabel}\n',
      /^orchestrator.config.yaml:11:7: \{tabel\} means nothing here \(The words are \{table\}/,
    ],
    ['a kind that is none', 'naming:\n  idx: x\n', /^orchestrator.config.yaml:11:3: unknown key 'idx'/],
    ['a list of a kind that is none', 'naming:\n  idx: [x]\n', /^orchestrator.config.yaml:11:3: unknown key 'idx'/],
  ])('is refused with its place: %s', async (_what, yaml, expected) => {
    const [fault] = await faultLines({ 'orchestrator.config.yaml': `${MAIN}${yaml}` });
    expect(fault).toMatch(expected);
  });
});
