import { Failure } from '../failure.ts';
import type { Fault } from '../fault.ts';
import { missingValues } from '../missing-values.ts';
import type { Revision, RoutineUses, SqlText, Statement } from '../revision.ts';
import { classifyStatement } from './classify.ts';
import { lateDirective, type OffsetFault } from './directives.ts';
import { metaCommandFault } from './meta-commands.ts';
import { faultAt, LineCounter } from './position.ts';
import { findRoutineUse } from './routines.ts';
import type { Unclosed } from './script.ts';
import { type Found, ScriptWalk } from './script-walk.ts';

/** What the store read of one file. */
export interface SqlSource {
  /** Absolute path. */
  readonly file: string;
  /** The path as messages show it. */
  readonly shownFile: string;
  /** May be read from the file at each access, where `pieces` is given. */
  readonly text: string;
  readonly checksum: string;
  /** What the file's directive asks for; undefined: it has none. */
  readonly transaction: 'none' | undefined;
  /** Of a text that is not held in memory: its length in UTF-16 units, and the text in pieces. */
  readonly large?: { readonly length: number; readonly pieces: () => Iterable<string> } | undefined;
  /** The file's own text where `text` has values in place of its variables. */
  readonly written?: string | undefined;
  /** What was wrong with those values. */
  readonly faults?: readonly Fault[] | undefined;
}

/** What a text was made of. */
const sources = new WeakMap<SqlText, SqlSource>();

/** The same file with values put in for its variables; its checksum stays the file's. */
export function fillSqlText(text: SqlText, filled: Required<Pick<SqlSource, 'text' | 'written' | 'faults'>>): SqlText {
  const { file, shownFile = file, checksum } = text;
  const source = sources.get(text) ?? {
    file,
    shownFile,
    checksum,
    transaction: text.transaction === 'none' ? 'none' : undefined,
  };
  return createSqlText({ ...source, ...filled, large: undefined });
}

/** Faults of one kind that are shown of one file: a dump full of meta-commands is not answered with thousands. */
const MOST = 20;

/** What reading the whole text showed. */
interface Findings {
  readonly transaction: 'single' | 'none';
  readonly wrapped: boolean;
  readonly routines: RoutineUses;
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
  const made: SqlText = {
    language: 'sql',
    file: source.file,
    shownFile: source.shownFile,
    written: source.written,
    get text() {
      return source.text;
    },
    length: source.large?.length ?? source.text.length,
    get checksum() {
      return source.checksum;
    },
    pieces: () => piecesOf(source),
    get transaction() {
      return source.transaction ?? find().transaction;
    },
    get wrapped() {
      return find().wrapped;
    },
    get routines() {
      return find().routines;
    },
    get faults() {
      return [...(source.faults ?? []), ...find().faults];
    },
    get statements() {
      statements ??= this.transaction === 'none' ? placeStatements(source) : [];
      return statements;
    },
  };
  sources.set(made, source);
  return made;
}

/**
 * Checks that the texts of revisions that are about to be applied can run at all.
 * @param history all revisions, parents first: procedures that they call may have been created in any of them
 * @throws Failure `revision-invalid` with the faults of all of them
 */
export function requireRunnable(
  service: string,
  revisions: readonly Revision[],
  history: readonly Revision[] = revisions,
): void {
  const texts = revisions.flatMap(({ up }) => (up.language === 'sql' ? [up] : []));
  const faults = [...revisions.flatMap(missingValues), ...texts.flatMap((text) => text.faults)];
  faults.push(...callFaults(texts, history));
  if (faults.length > 0) throw new Failure('revision-invalid', { service, faults });
}

/** CALL of a procedure that commits works only outside a transaction (2D000). */
function callFaults(texts: readonly SqlText[], history: readonly Revision[]): readonly Fault[] {
  const callers = texts.filter(({ transaction, routines }) => transaction === 'single' && routines.called.length > 0);
  if (callers.length === 0) return [];
  const commits = new Map<string, boolean>();
  const faults: Fault[] = [];
  for (const { up } of history) {
    if (up.language !== 'sql') continue;
    // A later definition takes the place of an earlier one.
    for (const procedure of up.routines.procedures) commits.set(procedure.name, procedure.commits);
    if (!callers.includes(up)) continue;
    faults.push(...up.routines.called.filter(({ name }) => commits.get(name) === true).map(({ fault }) => fault));
  }
  return faults;
}

const OUTSIDE_HINT = 'move it to a revision of its own, and write `-- orch: transaction none` at the head of that';

function piecesOf(source: SqlSource): Iterable<string> {
  return source.large === undefined ? [source.text] : source.large.pieces();
}

function placeStatements(source: SqlSource): readonly Statement[] {
  const { text } = source;
  const walk = new ScriptWalk([text]);
  const counter = new LineCounter(text);
  const statements: Statement[] = [];
  for (let found = walk.next(); found !== undefined; found = walk.next()) {
    const { start, end } = found;
    statements.push({ start, end, ...counter.at(start) });
    if (found.copiesIn) passRows(walk);
  }
  return statements;
}

function passRows(walk: ScriptWalk): void {
  for (const _ of walk.rows());
}

interface Control extends OffsetFault {
  readonly opens: boolean;
  readonly closes: boolean;
  /** Counted from 0. */
  readonly index: number;
}

interface Tally {
  total: number;
  outside: number;
  firstOutside: OffsetFault | undefined;
  readonly controls: Control[];
  readonly blocks: OffsetFault[];
  readonly procedures: { readonly name: string; readonly commits: boolean }[];
  readonly called: (OffsetFault & { readonly name: string })[];
}

function examine(source: SqlSource): Findings {
  const walk = new ScriptWalk(piecesOf(source));
  const tally = count(walk);
  const onlyOutside = tally.total > 0 && tally.outside === tally.total;
  const wrapped = source.transaction !== 'none' && isWrapped(tally);
  const found = faultsBeside(walk, source);
  if (walk.unclosed !== undefined) found.push(unclosedFault(walk.unclosed));
  if (source.transaction !== 'none') {
    if (tally.firstOutside !== undefined && !onlyOutside) found.push(tally.firstOutside);
    if (!wrapped) found.push(...tally.controls.slice(0, 1));
    found.push(...tally.blocks.slice(0, 1));
  }
  found.sort((left, right) => left.offset - right.offset);
  // A long text is read again only where there is something to show of it.
  const text = found.length > 0 || tally.called.length > 0 ? source.text : '';
  const fault = ({ offset, message, hint }: OffsetFault): Fault =>
    faultAt(source.shownFile, text, offset, message, hint);
  return {
    transaction: onlyOutside ? 'none' : 'single',
    wrapped,
    routines: {
      procedures: tally.procedures,
      called: tally.called.map((call) => ({ name: call.name, fault: fault(call) })),
    },
    faults: found.map(fault),
  };
}

function faultsBeside(walk: ScriptWalk, source: SqlSource): OffsetFault[] {
  const { metaCommands, directives } = walk.beside;
  const late = directives.filter((offset) => offset > walk.firstToken);
  if (metaCommands.length === 0 && late.length === 0) return [];
  const { text } = source;
  const commands = metaCommands.slice(0, MOST).map((offset) => metaCommandFault(text, offset));
  return [...commands, ...late.slice(0, MOST).map(lateDirective)];
}

/** BEGIN first, COMMIT last, and nothing else between them that begins or ends a transaction. */
function isWrapped({ controls, total }: Tally): boolean {
  const [first, last] = controls;
  return (
    controls.length === 2 &&
    first?.opens === true &&
    first.index === 0 &&
    last?.closes === true &&
    last.index === total - 1
  );
}

function count(walk: ScriptWalk): Tally {
  const tally: Tally = {
    total: 0,
    outside: 0,
    firstOutside: undefined,
    controls: [],
    blocks: [],
    procedures: [],
    called: [],
  };
  for (let found = walk.next(); found !== undefined; found = walk.next()) {
    tally.total += 1;
    if (found.copiesIn) passRows(walk);
    else if (mayMatter.has(walk.slice(found.start, found.start + 1))) {
      note(tally, found, walk.slice(found.start, found.end));
    }
  }
  return tally;
}

/** First letters of statements that `classifyStatement` and `findRoutineUse` know: a seed of INSERTs makes no garbage. */
const mayMatter: ReadonlySet<string> = new Set('abcdeprsvABCDEPRSV');

function note(tally: Tally, { start }: Found, statement: string): void {
  const { class: found, name } = classifyStatement(statement, 0, statement.length);
  if (found === 'outside') {
    tally.outside += 1;
    tally.firstOutside ??= outsideFault(start, name);
  } else if (found === 'control') {
    if (tally.controls.length < 3)
      tally.controls.push({ ...controlFault(start, name), ...wrapEnds(statement), index: tally.total - 1 });
  } else if (/^[cd]/i.test(statement)) noteRoutine(tally, start, statement);
}

function noteRoutine(tally: Tally, offset: number, statement: string): void {
  const use = findRoutineUse(statement);
  if (use?.kind === 'procedure') tally.procedures.push({ name: use.name, commits: use.commits });
  else if (use?.kind === 'call') {
    const message = `CALL of ${use.name}, which commits by itself, cannot run in a transaction`;
    if (tally.called.length < MOST) tally.called.push({ name: use.name, offset, message, hint: OUTSIDE_HINT });
  } else if (use?.kind === 'block') {
    const message = `${use.command} in a DO block would end the transaction that the revision runs in`;
    tally.blocks.push({ offset, message, hint: OUTSIDE_HINT });
  }
}

/** Plain BEGIN and COMMIT only: an isolation level, AND CHAIN or a name would be lost. */
function wrapEnds(statement: string): { readonly opens: boolean; readonly closes: boolean } {
  const opens = /^(?:begin(?:\s+(?:work|transaction))?|start\s+transaction)\s*;$/i.test(statement);
  const closes = /^(?:commit|end)(?:\s+(?:work|transaction))?\s*;?$/i.test(statement);
  return { opens, closes };
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
