import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checksumOf } from '../../src/adapters/files/checksum.ts';
import { type LargeText, readLargeText } from '../../src/adapters/files/large-text.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'orch-large-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function write(content: string | Buffer): string {
  const file = join(folder, 'large.sql');
  writeFileSync(file, content);
  return file;
}

const LENGTH = 300_000;

/** An `x` in front moves what repeats by a byte, so that it lies across the ends of the pieces in all ways. */
const contents: readonly (readonly [what: string, content: string])[] = ['', 'x', 'xx', 'xxx'].flatMap((front) => [
  [`CRLF behind ${front.length} bytes`, front + '\r\n'.repeat(LENGTH)],
  [`lone carriage returns behind ${front.length} bytes`, `${front}${'\r\r\na'.repeat(LENGTH / 2)}`],
  [`four-byte characters behind ${front.length} bytes`, front + '😀'.repeat(LENGTH)],
  [`three-byte characters behind ${front.length} bytes`, front + '漢'.repeat(LENGTH)],
  [`many empty lines behind ${front.length} bytes`, `${front}\n${' \n'.repeat(LENGTH)}  a${' '.repeat(LENGTH)}b`],
  [`white space at line ends behind ${front.length} bytes`, `${front}${'a \t\n \n\n'.repeat(LENGTH / 2)}b  \n\n`],
]);

it.each(contents)('is read in pieces as it is read whole: %s', (_, content) => {
  const expected = content.replaceAll('\r\n', '\n');
  for (const mark of ['', '\uFEFF']) {
    const file = write(mark + content);
    const read = readLargeText(file, 'large.sql', 'api') as LargeText;
    const pieces = [...read.pieces()];
    expect(pieces.length).toBeGreaterThan(5);
    expect(pieces.join('') === expected).toBe(true);
    expect(read.text === expected).toBe(true);
    expect(read.length).toBe(expected.length);
    expect(read.checksum).toBe(checksumOf(expected));
  }
});

it('whose file is another one by now is never given to its end', () => {
  const file = write('SELECT 1;\n'.repeat(LENGTH));
  const { pieces } = readLargeText(file, 'large.sql', 'api') as LargeText;
  write(`${'SELECT 1;\n'.repeat(LENGTH - 1)}SELECT 2;\n`);
  expect(() => [...pieces()]).toThrow(expect.objectContaining({ code: 'revision-invalid' }));
});

it.each([
  ['is not UTF-8', Buffer.concat([Buffer.alloc(LENGTH, 'a'), Buffer.from([0xff]), Buffer.alloc(LENGTH, 'a')])],
  ['is not UTF-8', Buffer.concat([Buffer.alloc(LENGTH, 'a'), Buffer.from([0xf0, 0x9f])])],
  ['a NUL character cannot stand in it', Buffer.concat([Buffer.alloc(LENGTH, 'a'), Buffer.from([0])])],
])('is refused where it %s', (message, content) => {
  expect(readLargeText(write(content), 'large.sql', 'api')).toMatchObject({ file: 'large.sql', message });
});
