import { describe, expect, it } from 'vitest';
import { readStatements, StatementReader } from '../../../src/core/sql/script.ts';

function split(text: string): readonly string[] {
  return readStatements(text).map(({ start, end }) => text.slice(start, end));
}

/** Each text holds its statements between `|`, which is taken out before the text is split. */
const splits: readonly (readonly [specification: string, marked: string])[] = [
  ['statements end at semicolons', 'SELECT 1;| SELECT 2;'],
  ['the last statement needs no semicolon', 'SELECT 1;| SELECT 2'],
  ['the last statement may be followed by a line comment without a line end', 'SELECT 1| -- done; really'],
  ['a text of white space holds no statement', ' \n\t '],
  ['a text of comments holds no statement', '-- a;\n/* b; */'],
  ['semicolons alone are no statements', ';;| SELECT 1;|;;'],
  ['a semicolon in a string does not end a statement', "SELECT 'a;b';| SELECT 2;"],
  ['a doubled quote does not end a string', "SELECT 'it''s; fine';| SELECT 2;"],
  ['a backslash is an ordinary character in a plain string', "SELECT 'a\\';| SELECT 2;"],
  ['a backslash takes the quote with it in an E string', "SELECT E'a\\';b';| SELECT 2;"],
  ['a backslash takes a backslash with it in an E string', "SELECT e'a\\\\';| SELECT 2;"],
  ['a doubled quote does not end an E string', "SELECT E'a'';b';| SELECT 2;"],
  ['an E string goes on after a line end', "SELECT E'a'\n  'b\\';c';| SELECT 2;"],
  ['an E string goes on after a comment and a line end', "SELECT E'a' -- x\n 'b\\';c';| SELECT 2;"],
  ['an E string does not go on in the same line', "SELECT E'a' 'b\\';| SELECT 2;"],
  ['an E at the end of a word makes no E string', "SELECT typee'a\\';| SELECT 2;"],
  ['a backslash is ordinary in strings with other prefixes', "SELECT N'a\\', U&'\\0061', B'01', X'1f';| SELECT 2;"],
  ['a semicolon in a quoted identifier does not end a statement', 'SELECT 1 AS "a;""b;";| SELECT 2;'],
  ['a quoted identifier may have a Unicode prefix', 'SELECT 1 AS U&"d\\0061;";| SELECT 2;'],
  ['a dollar quote without a tag hides semicolons and quotes', "DO $$ BEGIN PERFORM 'x'; END $$;| SELECT 2;"],
  ['a dollar quote ends only with its own tag', 'DO $a$ $$ ; $b$ ; $A$ ; $a$;| SELECT 2;'],
  ['a tag may have letters beyond ASCII, digits and underscores', 'DO $é_1$ ; $é_1$;| SELECT 2;'],
  ['a tag does not begin with a digit', 'SELECT $1;| SELECT $2;'],
  ['a dollar inside a word begins no dollar quote', 'SELECT a$b$c;| SELECT a$$;'],
  ['a dollar after a number begins a dollar quote', 'SELECT 1$$;$$;| SELECT 2;'],
  ['a lone dollar is a symbol', 'SELECT $ a;| SELECT $'],
  ['dollar quotes nest by different tags', 'DO $a$ EXECUTE $b$ SELECT $$;$$; $b$; $a$;| SELECT 2;'],
  ['a block comment hides semicolons and quotes', "SELECT 1 /* ' ; */;| SELECT 2;"],
  ['block comments nest', 'SELECT 1 /* a /* ; */ ; */;| SELECT 2;'],
  ['a comment opener may follow an operator', 'SELECT 2 */* ; */ 3;| SELECT 2;'],
  ['a line comment may follow an operator', 'SELECT 2 +-- ;\n 3;| SELECT 2;'],
  ['a line comment ends at a carriage return', 'SELECT 1 -- ;\r;| SELECT 2;'],
  ['a block comment opener in a line comment opens nothing', '-- /*\n|SELECT 1;| SELECT 2;'],
  ['a line comment in a block comment ends nothing', '/* -- */| SELECT 1;'],
  ['a quote in a comment opens nothing', "-- it's\n|SELECT 1;| /* it's */| SELECT 2;"],
  [
    'a semicolon in parentheses does not end a statement',
    'CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2);| SELECT 3;',
  ],
  ['a surplus closing parenthesis changes nothing', 'SELECT 1);| SELECT (2);'],
  [
    'the body of an SQL function is part of it',
    'CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;| SELECT 3;',
  ],
  [
    'a CASE in such a body has an END of its own',
    'create or replace procedure p() begin atomic select case when a then b end; end;| SELECT 3;',
  ],
  [
    'a default value with CASE is in parentheses and not counted',
    'CREATE FUNCTION f(a int DEFAULT (case 1 when 1 then 2 end)) RETURN 1;| SELECT 3;',
  ],
  ['BEGIN outside CREATE FUNCTION begins a transaction', 'BEGIN;| SELECT 1;| END;'],
  ['a function called begin opens no body elsewhere', 'CREATE TABLE begin (a int);| SELECT 1;'],
  ['words of any script are words', 'SELECT 漢字, é;| SELECT "😀;", 😀;'],
  ['psql passes over its meta-commands to the end of the line', "\\echo it's; me\n|SELECT 1;| SELECT 2;"],
];

describe('a script is split where psql splits it', () => {
  it.each(splits)('%s', (_, marked) => {
    const expected = marked
      .split('|')
      .map((part) => part.trim())
      .filter((part) => !/^(?:;*|--[\s\S]*|\/\*[\s\S]*\*\/|\\echo.*)$/.test(part));
    expect(split(marked.replaceAll('|', ''))).toEqual(expected);
  });

  it('the place of a statement is the place of its first token, counted in characters', () => {
    const text = "-- a\n\n  SELECT '😀'; /* b\n */ SELECT 2;";
    expect(readStatements(text).map(({ line, column }) => [line, column])).toEqual([
      [3, 3],
      [4, 5],
    ]);
  });
});

describe('COPY … FROM STDIN', () => {
  function copies(text: string): readonly (string | undefined)[] {
    const reader = new StatementReader(text);
    const data: (string | undefined)[] = [];
    while (reader.next()) data.push(reader.data && text.slice(reader.data.start, reader.data.end));
    return reader.unclosed === undefined ? data : [...data, reader.unclosed.what];
  }

  it.each([
    ['takes its data up to the line \\.', "COPY t (a) FROM stdin;\n1;'\n2\n\\.\nSELECT 1;", ["1;'\n2\n", undefined]],
    ['may bring no rows', 'copy t from stdin;\n\\.\nSELECT 1;', ['', undefined]],
    ['may end the file with \\.', 'copy t from stdin;\n1\n\\.', ['1\n']],
    ['may have a comment after the semicolon', 'copy t from stdin; -- data\n1\n\\.\n', ['1\n']],
    ['is the same with STDOUT, which the grammar allows', 'copy t from stdout;\n1\n\\.\n', ['1\n']],
    ['has no data where it copies from a file', "COPY t FROM '/stdin';\nSELECT 1;", [undefined, undefined]],
    ['has no data where it copies out', 'COPY (SELECT a FROM stdin) TO STDOUT;\nSELECT 1;', [undefined, undefined]],
    [
      'does not take a backslash-dot inside a line for the end',
      'copy t from stdin;\na\\.\n\\.b\n\\.\n',
      ['a\\.\n\\.b\n'],
    ],
    ['is refused where its data does not end', 'copy t from stdin;\n1\n', ['copy-data']],
    ['is refused where something follows on its line', 'copy t from stdin; SELECT 1;\n1\n\\.\n', ['copy-line']],
  ])('%s', (_, text, expected) => {
    expect(copies(text)).toEqual(expected);
  });
});

describe('something that is never closed is a fault where it was opened', () => {
  it.each([
    ['a string', "SELECT 1; SELECT 'a;", 'string', "'a;"],
    ['an E string', "SELECT E'a\\'", 'string', "E'a\\'"],
    ['a quoted identifier', 'SELECT "a""', 'identifier', '"a""'],
    ['a dollar quote', 'DO $a$ $b$ $a', 'dollar-quote', '$a$ $b$ $a'],
    ['a block comment', 'SELECT 1; /* /* */', 'comment', '/* /* */'],
    ['a block comment inside a statement', 'SELECT /* 1', 'comment', '/* 1'],
  ])('%s', (_, text, what, rest) => {
    const reader = new StatementReader(text);
    while (reader.next());
    expect(reader.unclosed).toEqual({ what, offset: text.length - rest.length });
  });
});
