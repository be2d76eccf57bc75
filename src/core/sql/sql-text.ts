import { Failure } from '../failure.ts';
import type { Fault } from '../fault.ts';
import type { Revision, SqlText, Statement } from '../revision.ts';
import { classifyStatement } from './classify.ts';
import { lateDirective, type OffsetFault } from './directives.ts';
import { metaCommandFault } from './meta-commands.ts';
import { faultAt } from './position.ts';
import { readStatements, StatementReader, type Unclosed } from './script.ts';

/** What the store read of one file. */
export interface SqlSource {
  /** Absolute path. */
  readonly file: string;
  /** The path as messages show it. */
  readonly shownFile: string;
  readonly text: string;
  readonly checksum: string;
  /** What the file's directive asks for; undefined: it has none. */
  readonly transaction: 'none' | undefined;
}

/** Faults of one kind that are shown of one file: a dump full of meta-commands is not answered with thousands. */
const MOST = 20;

/** What reading the whole text showed. */
interface Findings {
  readonly transaction: 'single' | 'none';
  readonly faults: readonly Fault[];
}

/** An SQL text that is read token by token when that is first needed, and then once. */
export function createSqlText(source: SqlSource): SqlText {
  let findings: Findings | undefined;
  let statements: readonly Statement[] | undefined;
  const find = (): Findings => {
    findings ??= examine(source);
    return findings;
  };
  return {
    language: 'sql',
    file: source.file,
    text: source.text,
    checksum: source.checksum,
    get transaction() {
      return source.transaction ?? find().transaction;
    },
    get faults() {
      return find().faults;
    },
    get statements() {
      statements ??= this.transaction === 'none' ? readStatements(source.text) : [];
      return statements;
    },
  };
}

/**
 * Checks that the texts of revisions that are about to be applied can run at all.
 * @throws Failure `revision-invalid` with the faults of all of them
 */
export function requireRunnable(service: string, revisions: readonly Revision[]): void {
  const faults = revisions.flatMap(({ up }) => (up.language === 'sql' ? up.faults : []));
  if (faults.length > 0) throw new Failure('revision-invalid', { service, faults });
}

interface Tally {
  total: number;
  outside: number;
  firstOutside: OffsetFault | undefined;
  firstControl: OffsetFault | undefined;
  firstCopy: OffsetFault | undefined;
}

function examine(source: SqlSource): Findings {
  const { text } = source;
  const reader = new StatementReader(text);
  const tally = count(reader, text);
  const onlyOutside = tally.total > 0 && tally.outside === tally.total;
  const found: OffsetFault[] = reader.metaCommands.slice(0, MOST).map((offset) => metaCommandFault(text, offset));
  const late = reader.directives.filter((offset) => offset > reader.firstToken);
  found.push(...late.slice(0, MOST).map(lateDirective));
  if (reader.unclosed !== undefined) found.push(unclosedFault(reader.unclosed));
  if (tally.firstCopy !== undefined) found.push(tally.firstCopy);
  if (source.transaction !== 'none') {
    if (tally.firstOutside !== undefined && !onlyOutside) found.push(tally.firstOutside);
    if (tally.firstControl !== undefined) found.push(tally.firstControl);
  }
  found.sort((left, right) => left.offset - right.offset);
  return {
    transaction: onlyOutside ? 'none' : 'single',
    faults: found.map(({ offset, message, hint }) => faultAt(source.shownFile, text, offset, message, hint)),
  };
}

function count(reader: StatementReader, text: string): Tally {
  const tally: Tally = {
    total: 0,
    outside: 0,
    firstOutside: undefined,
    firstControl: undefined,
    firstCopy: undefined,
  };
  while (reader.next()) {
    tally.total += 1;
    if (reader.data !== undefined) tally.firstCopy ??= copyFault(reader.start);
    const { class: found, name } = classifyStatement(text, reader.start, reader.end);
    if (found === 'outside') {
      tally.outside += 1;
      tally.firstOutside ??= outsideFault(reader.start, name);
    } else if (found === 'control') tally.firstControl ??= controlFault(reader.start, name);
  }
  return tally;
}

function outsideFault(offset: number, name: string): OffsetFault {
  return {
    offset,
    message: `${name} cannot run in a transaction, and the other statements of this file would`,
    hint: 'move it to a revision of its own, or write `-- orch: transaction none` at the head of the file',
  };
}

function controlFault(offset: number, name: string): OffsetFault {
  return {
    offset,
    message: `${name} would end or begin the transaction that the revision runs in`,
    hint: 'remove it: each revision is one transaction; or write `-- orch: transaction none` at the head of the file',
  };
}

function copyFault(offset: number): OffsetFault {
  return {
    offset,
    message: 'COPY … FROM STDIN with its data in the file cannot be run yet',
    hint: 'write the rows as INSERT',
  };
}

const unclosedWords: Readonly<Record<Unclosed['what'], readonly [what: string, hint: string]>> = {
  string: ['this string is not closed', "close it with '; a quote inside is written twice"],
  'dollar-quote': ['this dollar quote is not closed', 'close it with the same tag'],
  identifier: ['this quoted identifier is not closed', 'close it with "'],
  comment: ['this comment is not closed', 'close it with */; comments nest in PostgreSQL'],
  'copy-line': ['nothing may follow COPY … FROM STDIN; on its line', 'its data begins on the next line'],
  'copy-data': ['the data of this COPY does not end', 'end it with a line that is \\.'],
};

function unclosedFault({ offset, what }: Unclosed): OffsetFault {
  const [message, hint] = unclosedWords[what];
  return { offset, message, hint };
}
