import { describe, expect, it } from 'vitest';
import { nextName, slugOf, styleOf } from '../../../src/core/authoring/file-style.ts';

const now = new Date('2026-11-20T23:50:12Z');

function next(files: readonly string[], message = 'add email'): string {
  const style = styleOf(files);
  return nextName(style, slugOf(message, style.wordSeparator), now, new Set()).stem;
}

describe('the name of a new revision', () => {
  it.each([
    ['an empty folder', [], '001_add_email'],
    ['plain numbers', ['001_users.up.sql', '002_roles.up.sql'], '003_add_email'],
    ['numbers without zeros', ['1_users.up.sql', '9_roles.up.sql'], '10_add_email'],
    ['four digits', ['0001_users.up.sql'], '0002_add_email'],
    ['the end of three digits', ['999_users.up.sql'], '1000_add_email'],
    ['gaps', ['001_users.up.sql', '010_roles.up.sql'], '011_add_email'],
    ['a number from 0', ['000_base.up.sql'], '001_add_email'],
    ['dashes', ['001-add-users.up.sql'], '002-add-email'],
    ['numbers alone', ['001.up.sql'], '002_add_email'],
    ['TypeScript among them', ['001_users.up.sql', '002_fill.ts'], '003_add_email'],
    ['dates before numbers', ['20250131_1200-001_users.up.sql'], '20261120_2350-002_add_email'],
    ['dates with seconds', ['20250131_120000-001_users.up.sql'], '20261120_235012-002_add_email'],
    ['timestamps', ['20250131120000_users.up.sql'], '20261120235012_add_email'],
    ['short timestamps', ['202501311200_users.up.sql'], '202611202350_add_email'],
    ['a timestamp that is ahead of our clock', ['20300101235959_users.up.sql'], '20300102000000_add_email'],
  ])('follows the folder: %s', (_what, files, expected) => {
    expect(next(files)).toBe(expected);
  });

  it('takes .sql for the up file where all up files are called so', () => {
    expect(styleOf(['001_a.sql', '002_b.ts']).upEnding).toBe('.sql');
    expect(styleOf(['001_a.up.sql']).upEnding).toBe('.up.sql');
    expect(styleOf(['001_a.sql', '002_a.up.sql']).upEnding).toBe('.up.sql');
  });

  it('leaves a name that a seed has to the seed', () => {
    const { name } = nextName(styleOf([]), 'users', now, new Set(['001_users']));
    expect(name).toBe('001_users_2');
  });

  it.each([
    ['Add "email" to users!', 'add_email_to_users'],
    ['変更内容の説明', '変更内容の説明'],
    ['Größe  ändern', 'größe_ändern'],
    ['../../etc/passwd', 'etc_passwd'],
    ['v1.up.sql', 'v1_up_sql'],
    ['🎉', ''],
  ])('makes a part of a file name of %s', (message, expected) => {
    expect(slugOf(message, '_')).toBe(expected);
  });

  it('stays short enough for every file system', () => {
    expect(Buffer.byteLength(slugOf('word '.repeat(200), '_'))).toBeLessThanOrEqual(100);
    expect(slugOf('word '.repeat(200), '_')).toMatch(/^(word_)+word$/);
    const long = slugOf('表'.repeat(300), '_');
    expect(long).toBe('表'.repeat(33));
  });

  it('is the number alone where the message has no letter', () => {
    expect(next(['001_users.up.sql'], '🎉')).toBe('002');
  });
});
