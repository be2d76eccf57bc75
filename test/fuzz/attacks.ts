import type { Entry, FuzzCase } from './fuzz-case.ts';
import { found, shop } from './fuzz-case.ts';

/** Just under what is read of a config, in bytes; a revision may be 64 times as long. */
const CONFIG = 1000 * 1024;
/** A text that the YAML library reads whatever it holds: a longer one is refused for its tokens first. */
const SHORT = 60 * 1024;
/** The longest argument that Linux takes is 128 KiB. */
const ARGUMENT = 100_000;

const repeated = (unit: string, length: number): string => unit.repeat(Math.floor(length / unit.length));

function file(path: string, text: string, args: readonly string[] = ['sql']): FuzzCase {
  const entries = new Map<string, Entry>([...shop, [path, Buffer.from(text)]]);
  return { entries, args, env: { DOCKER_HOST: 'unix:///nowhere/docker.sock', A: 'x' }, spoilt: `${path}; ${args[0]}` };
}

function textOf(path: string): string {
  return shop.get(path)?.toString() ?? '';
}

const main = 'orchestrator.config.yaml';
const service = 'orders/service.yaml';
const value = (text: string): FuzzCase =>
  file(
    main,
    textOf(main).replace('project: shop', () => `project: ${JSON.stringify(text)}`),
  );
const url = (text: string): FuzzCase =>
  file(
    main,
    textOf(main).replace(/url: .*/, () => `url: ${JSON.stringify(text)}`),
  );
const password = (text: string): FuzzCase =>
  file(
    service,
    textOf(service).replace("'canary-owner'", () => JSON.stringify(text)),
  );
const need = (text: string): FuzzCase =>
  file(
    service,
    textOf(service).replace('[billing]', () => `[${JSON.stringify(text)}]`),
  );
const sql = (text: string): FuzzCase => file('orders/revisions/008_x.up.sql', text);
const head = (text: string): FuzzCase =>
  file('orders/revisions/008_x.up.sql', `-- orch:${text}\nSELECT 1;\n`, ['check']);
const shown = (text: string): FuzzCase => file('orders/revisions/008_x.up.sql', text, ['show', '008']);
const argument = (...args: readonly string[]): FuzzCase => ({ ...file(main, textOf(main), args) });

/** What took some other program's parser or pattern the square of its length, or all its stack; each as long as it may be. */
export const attacks: readonly FuzzCase[] = [
  // Found by mutation, or by these.
  ...[...found.values()].map((bytes) => file(main, bytes.toString())),
  ...['- ', '? ', '[', '{a: ', 'a:\n', '"\\', '&a ', '*a ', ' #', '!'].map((unit) => file(main, repeated(unit, SHORT))),
  ...['a:\n', '\n ', '[', '"', 'x', '\u202e'].map((unit) => file(service, repeated(unit, CONFIG))),
  file(main, `${'# x\n'.repeat(200_000)}${'a:\n'.repeat(15_000)}`),
  ...['x', ' ', '-', '//a:', 'url:', 'postgres', 'password', "password '", '${A:-', '$a', '{{', '\u001b', '\n'].map(
    (unit) => value(repeated(unit, CONFIG / 8)),
  ),
  ...['://a:', 'postgresql://', '[', '%', '@', '?a=b&', '\u0301'].map((unit) =>
    url(`postgresql://a:b${repeated(unit, CONFIG / 8)}@h/d`),
  ),
  ...['x', ' \t', '\\', '"', '\u{1f600}', 'aA', '${A}'].map((unit) => password(repeated(unit, CONFIG / 8))),
  ...[' ', '\t\n', 'password ', 'a.'].map((unit) => need(repeated(unit, CONFIG / 8))),
  ...[
    "'",
    '"',
    '$',
    '$a$b',
    '(',
    '/*',
    '--\n',
    ';',
    '\\x\n',
    ' ',
    '\t\n',
    "E'a'--\n",
    'begin atomic ',
    'COPY t FROM STDIN;\n',
    ":'a",
  ].map((unit) => sql(repeated(unit, CONFIG))),
  ...[
    'CREATE FUNCTION f() ',
    'DROP TABLE a',
    'ALTER TABLE a ',
    'CREATE INDEX CONCURRENTLY ',
    'REINDEX (',
    'SET ',
  ].flatMap((start) =>
    [' ', 'a.', ' a,', ' (', ' concurrently', '""', ' DROP COLUMN a,'].map((unit) =>
      sql(`${start}${repeated(unit, CONFIG / 4)};`),
    ),
  ),
  ...['message', 'parents', 'lock_timeout', 'labels', 'requires', 'variables', 'created', 'x'].flatMap((key) =>
    [' ', 'a ', '9', '@', 'password: '].map((unit) => head(`${key} ${repeated(unit, CONFIG / 8)}x`)),
  ),
  ...[' ', '\t\n', 'password ', "password ''a ", '\u202e'].map((unit) => shown(repeated(unit, CONFIG))),
  ...['+1', '-1', '@head', ' ', '\t\n', '9', ':', '\u001b'].flatMap((unit) => [
    argument('show', `001${repeated(unit, ARGUMENT)}`),
    argument('sql', '-s', 'orders', `001${repeated(unit, ARGUMENT)}`),
    argument('sql', '-s', repeated(unit, ARGUMENT)),
    argument('revision', '-s', 'orders', '-m', 'x', '--parent', repeated(unit, ARGUMENT)),
  ]),
];
