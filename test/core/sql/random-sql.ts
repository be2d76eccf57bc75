/**
 * Pieces whose every sequence is a hard case for a splitter. A string that goes on after a line end with a backslash in
 * its second part is not among them: psql reads line by line and, unlike the server, does not see that it goes on.
 */
const pieces = [
  ...["'a;b'", "''", "'it''s'", "E'a\\'b;'", "e'\\\\'", "U&'\\0061;'", "B'01'", "x'1f'", "N'n;'"],
  ...['"a;b"', '"a""b;"', 'U&"d;"', '$$a;b$$', '$tag$ $$;$$ $x$ $tag$', '$é$;$é$', '$1', '$', 'a$b', 'a$$b', '1'],
  ...['/* ; */', '/* a /* ; */ b; */', '-- ; comment\n', '--\n', '/**/', '/*/**/*/', '*/*;*/'],
  ...['(', ')', ';', ';', ';', '(;)', '\n', '\n', ' ', '\t', '-', '+', '::', '=', ',', '.', '/', '1.5e3', '<->', '- -'],
  ...['CREATE', 'OR', 'REPLACE', 'FUNCTION f', 'PROCEDURE p', 'BEGIN', 'ATOMIC', 'CASE', 'END', 'end', 'RETURN', 'AS'],
  ...[
    'SELECT 1',
    'SELECT',
    'INSERT INTO t VALUES',
    'DO',
    'RULE',
    'select é',
    'nul',
    'e',
    'E',
    'x',
    'U&',
    'copy t',
    'from',
  ],
  ...['create or replace function g() returns int begin atomic select case when 1=1 then 2 end; select 3; end;'],
  ...['CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2);', '😀', '“;”', ' '],
];

/** Ends that leave something open. */
const openings = ["'", "E'\\'", '"', '$$', '$a$ $b$', '/* /* */', '', '', '', ''];

/** The same numbers for the same seed (mulberry32), from 0 to 1. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** A script of up to 40 pieces, sensible or not; `open` allows an end that nothing closes. */
export function randomScript(seed: number, open: boolean): string {
  const random = randomNumbers(seed);
  const pick = (list: readonly string[]): string => list[Math.floor(random() * list.length)] ?? '';
  const glue = [' ', ' ', '\n', ''];
  let script = '';
  for (let count = Math.floor(random() * 40); count > 0; count -= 1) script += pick(pieces) + pick(glue);
  return open ? script + pick(openings) : script;
}
