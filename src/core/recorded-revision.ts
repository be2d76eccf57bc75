import type { LedgerRow, RecordedTexts } from './observed.ts';
import type { Revision, RevisionText } from './revision.ts';
import { parseHead } from './sql/directives.ts';
import { createSqlText } from './sql/sql-text.ts';
import { withValues } from './variables.ts';

/**
 * The revision as the ledger kept it when it was applied, for one whose file has changed since or is gone.
 * @param file where the revision is, or would be: shown in messages
 */
export function recordedRevision(row: LedgerRow, texts: RecordedTexts | undefined, file: string): Revision {
  return withValues(asWritten(row, texts, file), row.variables);
}

function asWritten(row: LedgerRow, texts: RecordedTexts | undefined, file: string): Revision {
  const isCode = row.upFile.endsWith('.ts');
  const { directives } = parseHead(texts?.up ?? '', isCode ? '//' : '--');
  return {
    kind: row.kind,
    id: row.id,
    name: row.name,
    message: directives.message ?? row.name,
    parents: row.parents,
    up: textOf({ text: texts?.up ?? '', checksum: row.checksum, file: beside(file, row.upFile) }, 'up'),
    down: recordedDown(row, texts, file),
    lockTimeout: directives.lockTimeout,
    lockRetry: directives.lockRetry,
    statementTimeout: directives.statementTimeout,
    labels: directives.labels,
    requires: row.requires.flatMap((requirement) => {
      const at = requirement.indexOf('@');
      return at < 0 ? [] : [{ service: requirement.slice(0, at), revision: requirement.slice(at + 1) }];
    }),
    irreversible: directives.irreversible,
    variables: Object.keys(row.variables),
    author: directives.author,
    created: directives.created,
  };
}

/** Undefined: there was none, or only its checksum was kept. */
function recordedDown(row: LedgerRow, texts: RecordedTexts | undefined, file: string): RevisionText | undefined {
  if (texts?.down === undefined || row.downChecksum === undefined) return undefined;
  const source = { text: texts.down, checksum: row.downChecksum, file: beside(file, row.downFile ?? row.upFile) };
  return textOf(source, 'down');
}

function textOf(
  { text, checksum, file }: { readonly text: string; readonly checksum: string; readonly file: string },
  direction: 'up' | 'down',
): RevisionText {
  const isCode = file.endsWith('.ts');
  const { transaction } = parseHead(text, isCode ? '//' : '--').directives;
  if (isCode) return { language: 'typescript', file, text, checksum, direction, transaction: transaction ?? 'single' };
  return createSqlText({ file, shownFile: file, text, checksum, transaction });
}

/** The file name in the folder of the other file. */
function beside(file: string, name: string): string {
  const end = Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\'));
  return name === '' ? file : `${file.slice(0, end + 1)}${name}`;
}
