import type { OffsetFault } from './directives.ts';

const ownFile = 'put the SQL of that file here, or make it a revision of its own';
const otherDatabase =
  "a revision runs in its own service's database: move what follows to the other service's revisions";
const copyData = 'write COPY … FROM stdin; with the rows below it and a line `\\.` at their end';
const plainSql = 'write it in SQL; conditions and loops go into a DO block';
const dumpLine = 'pg_dump writes it on a line of its own, with a word of letters and digits behind it';
const outputOnly = 'remove the line, or RAISE NOTICE in a DO block';

const hints: ReadonlyMap<string, string> = new Map([
  ['i', ownFile],
  ['ir', ownFile],
  ['include', ownFile],
  ['include_relative', ownFile],
  ['c', otherDatabase],
  ['connect', otherDatabase],
  ['copy', copyData],
  ['.', 'remove the line: there is no COPY … FROM STDIN before it whose data it could end'],
  ['restrict', dumpLine],
  ['unrestrict', dumpLine],
  ['echo', outputOnly],
  ['qecho', outputOnly],
  ['warn', outputOnly],
  ['set', plainSql],
  ['gset', plainSql],
  ['if', plainSql],
  ['elif', plainSql],
  ['else', plainSql],
  ['endif', plainSql],
  ['gexec', 'run it with EXECUTE in a DO block'],
  ['g', 'end the statement with `;`'],
  ['gx', 'end the statement with `;`'],
  [';', 'write `;` alone'],
  [':', 'write `:` alone'],
]);

/** The fault of the psql meta-command whose backslash is at `offset`. */
export function metaCommandFault(text: string, offset: number): OffsetFault {
  const name = /^(?:[;:]|[^\s\\]{0,40})/.exec(text.slice(offset + 1, offset + 42))?.[0] ?? '';
  return {
    offset,
    message: `\\${name} is a command of psql, not SQL`,
    hint: hints.get(name) ?? 'remove it, or write what it does in SQL',
  };
}
