import type { RecordedTexts } from '../../core/observed.ts';
import type { Session } from '../../ports/database.ts';

interface TextRow {
  readonly name: string;
  readonly up_file: string;
  readonly down_file: string | null;
  readonly up_text: string | null;
  readonly down_text: string | null;
}

/** Asked at a time, so that thousands of texts of up to 1 MB are not one message. */
const CHUNK = 100;

/** The texts that the ledger kept of these revisions, by name. */
export async function readRecorded(
  session: Session,
  names: readonly string[],
): Promise<ReadonlyMap<string, RecordedTexts>> {
  const found = new Map<string, RecordedTexts>();
  for (let start = 0; start < names.length; start += CHUNK) {
    const { rows } = await session.query<TextRow>(
      `SELECT l.name, l.up_file, l.down_file, l.up_text, l.down_text FROM orch.ledger AS l
       WHERE l.kind OPERATOR(pg_catalog.=) 'revision' AND l.name OPERATOR(pg_catalog.=) ANY ($1::pg_catalog.text[])`,
      [names.slice(start, start + CHUNK)],
    );
    for (const row of rows) found.set(row.name, textsOf(row));
  }
  return found;
}

function textsOf(row: TextRow): RecordedTexts {
  return {
    name: row.name,
    upFile: row.up_file,
    downFile: row.down_file ?? undefined,
    up: row.up_text ?? undefined,
    down: row.down_text ?? undefined,
  };
}
