import type { Random } from '../config/random.ts';

/** What parsers stumble over, put in anywhere: characters, numbers, and the marks of YAML, SQL, JavaScript and shells. */
const pieces: readonly string[] = [
  ...[
    '\0',
    '\u0001',
    '\u001b[2J',
    '\u001b]0;x\u0007',
    '\u007f',
    '\u0085',
    '\u009b31m',
    '\u00a0',
    '\u00ad',
    '\u200b',
    '\u200d',
  ],
  ...[
    '\u202e',
    '\u2028',
    '\u2066',
    '\ufeff',
    '\ufffd',
    '\uffff',
    '\u{1f600}',
    '\u{e0041}',
    'e\u0301',
    'é',
    'ß',
    'İ',
    'ﬁ',
    '٣',
    '\u3000',
  ],
  ...[
    '\n',
    '\r',
    '\r\n',
    '\t',
    ' ',
    '  ',
    '\n\n',
    '\n  ',
    '\n    ',
    '\f',
    '\v',
    '\\',
    '\\\n',
    '\\N',
    '\\.\n',
    '\n\\.\n',
  ],
  ...[
    '010',
    '1e999',
    '-0',
    '0x1F',
    '0o17',
    '1_000',
    '.5',
    '5.',
    '.inf',
    '.nan',
    '1e-400',
    '9'.repeat(20),
    '-1',
    '99999999999999999999s',
  ],
  ...[
    'null',
    '~',
    'true',
    'yes',
    'NaN',
    '__proto__',
    'constructor',
    'prototype',
    'toString',
    'hasOwnProperty',
    '<<',
    '=',
  ],
  ...[
    ': ',
    ' #',
    '- ',
    '? ',
    '---',
    '...',
    '&a ',
    '*a',
    '!!binary ',
    '!!js/function ',
    '!x ',
    '<<: *a',
    '| ',
    '>- ',
    '%YAML 1.1\n',
    '{',
    '}',
    '[',
    ']',
    ',',
  ],
  ...[
    "'",
    '"',
    '`',
    ';',
    '$',
    '$$',
    '$x$',
    '$1',
    ':',
    '::',
    ":'a'",
    ':"a"',
    ':a',
    '(',
    ')',
    '/*',
    '*/',
    '--',
    '//',
    '\\;',
    '\\gexec\n',
    '\\! touch EXECUTED\n',
  ],
  ...[
    "E'",
    "U&'",
    'U&"',
    "x'",
    '@',
    '%',
    '%s',
    '{{',
    '}}',
    '{{head}}',
    '${',
    '${A}',
    '${A:-',
    '${A:?',
    '$(touch EXECUTED)',
    '`touch EXECUTED`',
    '../',
    '/',
  ],
  ...[
    '-- orch:',
    '-- orch:parents ',
    '-- orch:requires ',
    '-- orch:transaction none\n',
    '-- orch:variables ',
    '-- orch:down\n',
    '// orch:',
    'orch:',
  ],
  ...[
    'BEGIN;',
    'COMMIT;',
    'BEGIN ATOMIC ',
    'END',
    'COPY t FROM STDIN;\n',
    'DO $$',
    'SET standard_conforming_strings = off;',
    'password ',
    "password: '",
  ],
];

type Mutation = (bytes: Buffer, random: Random, others: readonly Buffer[]) => Buffer;

const cut = (bytes: Buffer, from: number, to: number, put: Buffer): Buffer =>
  Buffer.concat([bytes.subarray(0, from), put, bytes.subarray(to)]);

/** Where a line begins, and where the next one does. */
function someLine(bytes: Buffer, random: Random): readonly [number, number] {
  const at = random.below(bytes.length + 1);
  const start = at === 0 ? 0 : bytes.lastIndexOf(10, at - 1) + 1;
  const end = bytes.indexOf(10, at);
  return [start, end < 0 ? bytes.length : end + 1];
}

/** Where a word, a run of white space or a single mark begins and ends. */
function someToken(bytes: Buffer, random: Random): readonly [number, number] {
  const kindOf = (code: number | undefined): string => {
    if (code === undefined) return 'end';
    if (code === 32 || code === 10) return 'space';
    return /[\w.-]/.test(String.fromCharCode(code)) ? 'word' : `mark ${code}`;
  };
  let from = random.below(bytes.length + 1);
  const kind = kindOf(bytes[from]);
  let to = from;
  while (to < bytes.length && kindOf(bytes[to]) === kind) to += 1;
  while (from > 0 && kindOf(bytes[from - 1]) === kind) from -= 1;
  return [from, to];
}

function flipBit(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(Math.max(1, copy.length));
  if (copy.length > 0) copy.writeUInt8((copy[at] ?? 0) ^ (1 << random.below(8)), at);
  return copy;
}

function swapLines(bytes: Buffer, random: Random): Buffer {
  const [from, to] = someLine(bytes, random);
  const line = bytes.subarray(from, to);
  const without = cut(bytes, from, to, Buffer.alloc(0));
  const [at] = someLine(without, random);
  return cut(without, at, at, line);
}

function splice(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  const other = random.pick(others);
  const [from, to] = random.below(2) === 0 ? someToken(other, random) : someLine(other, random);
  const [at, end] = someToken(bytes, random);
  return cut(bytes, at, random.below(2) === 0 ? at : end, other.subarray(from, to));
}

function repeatToken(bytes: Buffer, random: Random): Buffer {
  const [from, to] = random.below(3) === 0 ? someLine(bytes, random) : someToken(bytes, random);
  const token = bytes.subarray(from, to);
  const times = Math.min(random.pick([2, 30, 300, 5000]), Math.ceil(60_000 / Math.max(1, token.length)));
  return cut(bytes, from, from, Buffer.concat(Array<Buffer>(times).fill(token)));
}

/** Something within something, without an end or with one. */
function nest(bytes: Buffer, random: Random): Buffer {
  const [open, close] = random.pick([
    ...[
      ['[', ']'],
      ['{a: ', '}'],
      ['(', ')'],
      ['/*', '*/'],
      ['${A:-', '}'],
      ['"', '"'],
      ['- ', ''],
      ['$$', '$$'],
      ['BEGIN ', 'END '],
    ],
  ] as const satisfies readonly (readonly [string, string])[]);
  const depth = random.pick([3, 25, 400, 8000]);
  const [from, to] = someToken(bytes, random);
  const end = random.below(2) === 0 ? close.repeat(depth) : '';
  return cut(
    bytes,
    from,
    to,
    Buffer.concat([Buffer.from(open.repeat(depth)), bytes.subarray(from, to), Buffer.from(end)]),
  );
}

function encodeOtherwise(bytes: Buffer, random: Random): Buffer {
  const text = bytes.toString('utf8');
  return random.pick([
    () => Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]),
    () => Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')]),
    () => Buffer.from(text.replaceAll('\n', '\r\n')),
    () => Buffer.from(text.replaceAll('\n', '\r')),
    () => Buffer.from(text.normalize('NFD')),
    () => Buffer.from(text.replaceAll('  ', '\t')),
    () => Buffer.from(text.trimEnd()),
    () => Buffer.alloc(0),
  ])();
}

/** Half a character, a character in too many bytes, a surrogate: what is no UTF-8. */
const invalid = [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xe2, 0x82]];

const mutations: readonly Mutation[] = [
  flipBit,
  (bytes, random) => cut(bytes, ...someLine(bytes, random), Buffer.alloc(0)),
  (bytes, random) => cut(bytes, ...someToken(bytes, random), Buffer.alloc(0)),
  (bytes, random) => {
    const [from, to] = someLine(bytes, random);
    return cut(bytes, to, to, bytes.subarray(from, to));
  },
  swapLines,
  splice,
  splice,
  repeatToken,
  nest,
  (bytes, random) => {
    const [from, to] = someToken(bytes, random);
    return cut(bytes, from, random.below(2) === 0 ? from : to, Buffer.from(random.pick(pieces)));
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return cut(bytes, at, at, Buffer.from(random.pick(pieces)));
  },
  (bytes, random) => {
    const at = random.below(bytes.length + 1);
    return cut(bytes, at, at, Buffer.from(random.pick(invalid)));
  },
  (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1)),
  encodeOtherwise,
];

/** Above this a mutation is not followed by another one, in bytes: what is long is `attacks.ts`'s. */
const LONG = 100_000;

/** The bytes, changed in one to four places. */
export function mutateBytes(bytes: Buffer, random: Random, others: readonly Buffer[]): Buffer {
  let mutated = bytes;
  for (let left = 1 + random.below(4); left > 0 && mutated.length < LONG; left -= 1) {
    mutated = random.pick(mutations)(mutated, random, others);
  }
  return mutated;
}

/** A text, such as a file's name or an argument, changed in one or two places. */
export function mutateText(text: string, random: Random): string {
  let mutated = text;
  for (let left = 1 + random.below(2); left > 0; left -= 1) {
    const at = random.below(mutated.length + 1);
    const taken = random.pick([0, 0, 1, 3]);
    mutated = mutated.slice(0, at) + random.pick(pieces) + mutated.slice(at + taken);
  }
  return mutated;
}
