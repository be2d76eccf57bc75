import type { Fault } from '../../core/fault.ts';
import type { CodeText, Revision, RevisionKind, RevisionText } from '../../core/revision.ts';
import { type DirectiveKey, type Head, lateDirective, type OffsetFault, parseHead } from '../../core/sql/directives.ts';
import { faultAt } from '../../core/sql/position.ts';
import { createSqlText } from '../../core/sql/sql-text.ts';
import { checksumOf } from './checksum.ts';
import { wholeFault } from './read-text.ts';
import type { RevisionFile, RevisionFiles } from './revision-folder.ts';
import { compareNames } from './revision-name.ts';
import { findParents } from './revision-parents.ts';

interface Draft {
  readonly files: RevisionFiles;
  readonly head: Head;
}

/** Makes revisions of the files of a folder, sorted by number; what is wrong goes to `faults`. */
export function buildRevisions(
  all: readonly RevisionFiles[],
  kind: RevisionKind,
  faults: Fault[],
): readonly Revision[] {
  const drafts = all.map((files) => ({ files, head: readHead(files.up, kind, faults) }));
  drafts.sort((left, right) => compareNames(left.files.up.name, right.files.up.name));
  const parents = kind === 'revision' ? placeRevisions(drafts, faults) : new Map<string, readonly string[]>();
  return drafts.map((draft) => buildRevision(draft, kind, parents, faults));
}

function buildRevision(
  { files, head }: Draft,
  kind: RevisionKind,
  parents: ReadonlyMap<string, readonly string[]>,
  faults: Fault[],
): Revision {
  const { id, name, title } = files.up.name;
  const { message, lockTimeout, lockRetry, statementTimeout, labels, requires, irreversible, variables, author } =
    head.directives;
  return {
    kind,
    id,
    name,
    message: message ?? title,
    parents: parents.get(name) ?? [],
    up: files.up.name.part === 'code' ? codeText(files.up, head, 'up') : sqlText(files.up, head),
    down: buildDown(files, head, faults),
    lockTimeout,
    lockRetry,
    statementTimeout,
    labels,
    requires,
    irreversible,
    variables,
    author,
    created: head.directives.created ?? files.up.name.created,
  };
}

function buildDown({ up, down }: RevisionFiles, head: Head, faults: Fault[]): RevisionText | undefined {
  if (down !== undefined) return sqlText(down, readDownHead(down, faults));
  // A text without the word cannot export it. Loading the module to ask would run its code.
  return up.name.part === 'code' && /\bdown\b/.test(up.text) ? codeText(up, head, 'down') : undefined;
}

function sqlText({ file, shown, text, large }: RevisionFile, head: Head): RevisionText {
  const { transaction } = head.directives;
  const source = { file, shownFile: shown, transaction };
  if (large === undefined) return createSqlText({ ...source, text, checksum: checksumOf(text) });
  return createSqlText({
    ...source,
    // Read only where it must be had as a whole, such as to show the place of a fault.
    get text() {
      return large.text;
    },
    checksum: large.checksum,
    large,
  });
}

function codeText({ file, text }: RevisionFile, head: Head, direction: CodeText['direction']): CodeText {
  const transaction = head.directives.transaction ?? 'single';
  return { language: 'typescript', file, text, checksum: checksumOf(text), direction, transaction };
}

function readHead(file: RevisionFile, kind: RevisionKind, faults: Fault[]): Head {
  const isCode = file.name.part === 'code';
  const head = parseHead(file.text, isCode ? '//' : '--');
  report(file, head.faults, faults);
  if (kind === 'seed')
    refuse(file, head, ['parents', 'labels', 'requires'], 'seeds follow their numbers, behind the head', faults);
  if (!isCode) return head;
  report(file, lateCodeDirectives(file.text, head.end), faults);
  if (!/\bup\b/.test(file.text)) faults.push(wholeFault(file.shown, 'exports no function "up"', EXPORTS));
  return head;
}

const EXPORTS = 'write `export async function up(database) { … }`';

function readDownHead(file: RevisionFile, faults: Fault[]): Head {
  const head = parseHead(file.text, '--');
  report(file, head.faults, faults);
  const ofRevision = [...head.places.keys()].filter((key) => key !== 'transaction');
  refuse(file, head, ofRevision, 'this directive is for the whole revision: write it into the up file', faults);
  return head;
}

/** In a template string such a line would be none, but nobody writes one there by accident. */
function lateCodeDirectives(text: string, from: number): readonly OffsetFault[] {
  return Array.from(text.slice(from).matchAll(/^[ \t]*(\/\/[ \t]*orch:)/gm), (match) =>
    lateDirective(from + match.index + match[0].length - (match[1]?.length ?? 0)),
  ).slice(0, 1);
}

function refuse(file: RevisionFile, head: Head, keys: readonly DirectiveKey[], message: string, faults: Fault[]): void {
  for (const key of keys) {
    const offset = head.places.get(key);
    if (offset !== undefined) faults.push(faultAt(file.shown, file.text, offset, message, undefined));
  }
}

function report({ shown, text }: RevisionFile, found: readonly OffsetFault[], faults: Fault[]): void {
  for (const { offset, message, hint } of found) faults.push(faultAt(shown, text, offset, message, hint));
}

function placeRevisions(drafts: readonly Draft[], faults: Fault[]): ReadonlyMap<string, readonly string[]> {
  const { parents, faults: found } = findParents(
    drafts.map(({ files, head }) => ({ ...files.up.name, wanted: head.directives.parents })),
  );
  const byName = new Map(drafts.map((draft) => [draft.files.up.name.name, draft]));
  for (const { name, message, hint } of found) {
    const draft = byName.get(name);
    if (draft === undefined) continue;
    const { shown, text } = draft.files.up;
    const offset = draft.head.places.get('parents');
    const fault = offset === undefined ? wholeFault(shown, message, hint) : faultAt(shown, text, offset, message, hint);
    faults.push(fault);
  }
  return parents;
}
