import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDocument } from 'yaml';
import { parseSimpleYaml } from '../../src/config/simple-yaml.ts';
import { A, MAIN } from './project-folder.ts';
import { randomFrom } from './random.ts';

/** What the library says of a text: its value, or that it is a fault. */
function parseFully(text: string): { readonly value: unknown } | 'fault' {
  const parsed = parseDocument(text, { version: '1.2', schema: 'core', stringKeys: true, logLevel: 'error' });
  if (parsed.errors.length + parsed.warnings.length > 0) return 'fault';
  const value: unknown = parsed.toJS();
  return { value };
}

/** Null prototypes are no difference that matters. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

const FULL = `${MAIN}# a comment

policies:   # here
    lockWait: 60s # there
    failFast: false
    concurrency: 4
compose: # and here
  # and there
  files: [compose/compose.yaml, x.yaml]
empty: []
nothing: {}
owner: { role: api_owner, password: a=b,wait: 10s, tries: 3,on: true } # there
same:
- a
- b: 1
  c: 'd e'
- f: "g: h # i"
  j: [1, true, --import, a=b]
k: a - b#c 'd' "e" [f] {g} *h &i !j
url: \${A:-b}://x@y:1/z?q=1
path: ../x
time: 10:30
`;

describe('parseSimpleYaml', () => {
  it('reads what config files are written in', () => {
    for (const text of [MAIN, A, FULL, FULL.replaceAll('\n', '\r\n')]) {
      const value = parseSimpleYaml(text);
      expect(value).toBeDefined();
      expect({ value: plain(value) }).toEqual(parseFully(text));
    }
  });

  it('reads the sample of this repository', () => {
    const root = resolve(import.meta.dirname, '../..');
    for (const file of [
      'orchestrator.config.yaml',
      'services/api-auth/service.yaml',
      'services/api-user/service.yaml',
      'services/api-admin/service.yaml',
    ]) {
      expect(parseSimpleYaml(readFileSync(resolve(root, file), 'utf8')), file).toBeDefined();
    }
  });

  it.each([
    ...[
      '',
      '# x',
      'a',
      'a:',
      'a: b: c',
      'a: b:',
      'a:b',
      ' a: 1',
      'a: 1\n b: 2',
      'a:\n  b: 1\n c: 2',
      'a: 1\na: 2',
      'a: b\n  c',
    ],
    ...[
      'a: |\n  b',
      'a: >\n  b',
      'a: &x 1',
      'a: *x',
      'a: !x 1',
      'a: {b: [c]}',
      'a: {b:c}',
      'a: {b}',
      'a: {b: c,}',
      'a: {b: 1, b: 2}',
      'a: {b: c d}',
      'a: {b: 1.5}',
      'a: {__proto__: 1}',
      'a: [b: c]',
      'a: [b',
      "a: 'it''s'",
      'a: "\\n"',
      "a: 'b' c",
    ],
    ...[
      'a: 010',
      'a: 0x1f',
      'a: 0o7',
      'a: 1.5',
      'a: 1e3',
      'a: .inf',
      'a: -.inf',
      'a: .nan',
      'a: +1',
      'a: -1',
      'a: ~',
      'a: null',
      'a: Null',
      'a: True',
    ],
    ...[
      'a: 12345678901234567890',
      'a: -',
      'a: - b',
      'a: ? b',
      '? a\n: b',
      '- a\n-b',
      '- - a',
      '-',
      'a:\n- b\n  c: d',
      '---\na: 1',
      'a: 1\n...',
      '%YAML 1.2\n---\na: 1',
    ],
    ...[
      'a:\tb',
      '\ta: 1',
      'a: b\tc',
      'a: @b',
      'a: `b`',
      'a: %b',
      'a: ,b',
      'a: [1.5]',
      'a: [ab c]',
      'a: [,]',
      'a: [a,]',
      'a: #b',
      '__proto__: 1',
      '<<: {}',
      'a: \u00a0b',
      '\u3000a: 1',
    ],
    ...['a: - #b', '- a: 1\n b: 2', '- a:\n- b', 'a: "b"#c', 'a: --- b', '- ---'],
  ])('leaves %j to the library', (text) => {
    expect(parseSimpleYaml(text)).toBeUndefined();
  });

  it('takes nothing otherwise than the library does', () => {
    const random = randomFrom(7);
    const pieces = [
      ...':-#[]{}\'"|>&*!?,$~%@` \n\t',
      ': ',
      ' #',
      '- ',
      '\n  ',
      '\n- ',
      'true',
      'null',
      '0x1',
      '1.5',
      '---',
      '...',
      '010',
      '.5',
      '-1',
      '\r\n',
      '\u3000',
      'é',
    ];
    let taken = 0;
    for (let run = 0; run < 20_000; run += 1) {
      let text = random.pick([MAIN, A, FULL, 'a: 1\nb:\n- c\n- d: e\n  f: g\n']);
      for (let edits = 1 + random.below(3); edits > 0; edits -= 1) {
        const at = random.below(text.length);
        text = text.slice(0, at) + random.pick([...pieces, '']) + text.slice(at + random.below(3));
      }
      const value = parseSimpleYaml(text);
      if (value === undefined) continue;
      taken += 1;
      expect({ value: plain(value) }, JSON.stringify(text)).toEqual(parseFully(text));
    }
    expect(taken).toBeGreaterThan(2000);
  });
});
