import { Failure } from '../failure.ts';
import type { LedgerRow, RecordedTexts } from '../observed.ts';
import type { Service } from '../project.ts';
import { recordedRevision } from '../recorded-revision.ts';
import type { Revision } from '../revision.ts';
import { withValues } from '../variables.ts';

/** An applied revision with the text that takes it back. */
export interface Revertible {
  /** Its `down` is the very text to run, its `parents` are the ledger's. */
  readonly revision: Revision;
  readonly row: LedgerRow;
  readonly origin: 'file' | 'recorded';
  /** Why that text, where it is not simply the file's. */
  readonly because: string | undefined;
  /** True: it was applied with a down text of which only the checksum was kept, and no file has that text. */
  readonly lost: boolean;
}

/**
 * What takes an applied revision back: the file's down text where it is the one that the revision was applied with,
 * else the recorded one.
 * @param file the revision as its file says now; undefined: there is none
 * @param texts what the ledger kept; needed only where the file has changed or is gone
 */
export function revertibleOf(
  service: Service,
  row: LedgerRow,
  file: Revision | undefined,
  texts: RecordedTexts | undefined,
): Revertible {
  const found = findText(service, row, file, texts);
  // What it was applied with is what has to be taken back, whatever the config says by now.
  return Object.keys(row.variables).length === 0
    ? found
    : { ...found, revision: withValues(found.revision, row.variables) };
}

function findText(
  service: Service,
  row: LedgerRow,
  file: Revision | undefined,
  texts: RecordedTexts | undefined,
): Revertible {
  const common = { row, lost: false };
  const parents = row.parents;
  const isUnchanged = file?.up.checksum === row.checksum;
  const recorded = recordedRevision(row, texts, file?.up.file ?? `${service.revisions}/${row.upFile}`);
  // What made it irreversible is in the text that was applied, not in what the file has become.
  const irreversible = isUnchanged || texts?.up === undefined ? file?.irreversible : recorded.irreversible;
  if (file !== undefined && file.down?.checksum === row.downChecksum) {
    return { ...common, revision: { ...file, parents, irreversible }, origin: 'file', because: undefined };
  }
  if (file?.down !== undefined && row.downChecksum === undefined) {
    const because = 'its down was written after it was applied';
    return { ...common, revision: { ...file, parents, irreversible }, origin: 'file', because };
  }
  const because =
    file === undefined
      ? 'its file is gone: the down text is the recorded one'
      : 'its file has changed: the down text is the recorded one';
  const base = isUnchanged && file !== undefined ? { ...file, parents, down: recorded.down } : recorded;
  const lost = row.downChecksum !== undefined && recorded.down === undefined;
  return { ...common, revision: { ...base, irreversible }, origin: 'recorded', because, lost };
}

/**
 * Everything is refused before anything runs.
 * @throws Failure `revision-interrupted`, `revision-irreversible`, `down-not-recorded`, `revision-without-down`, `revision-invalid`
 */
export function requireRevertible(service: Service, reverts: readonly Revertible[]): void {
  const place = { service: service.name, database: service.database };
  const begun = reverts.find(({ row }) => row.state === 'started');
  if (begun !== undefined) {
    const { name: revision, statementsDone } = begun.row;
    throw new Failure('revision-interrupted', { ...place, revision, direction: 'up', statementsDone });
  }
  const marked = reverts.flatMap(({ revision: { name, irreversible: reason } }) =>
    reason === undefined ? [] : [{ name, reason }],
  );
  if (marked.length > 0) throw new Failure('revision-irreversible', { ...place, revisions: marked });
  const lost = reverts.find((one) => one.lost);
  if (lost !== undefined) {
    const { row, revision } = lost;
    const folder = revision.up.file.slice(0, revision.up.file.lastIndexOf('/') + 1);
    const file = `${folder}${row.downFile ?? row.upFile}`;
    throw new Failure('down-not-recorded', { ...place, revision: row.name, file, checksum: row.downChecksum ?? '' });
  }
  const revisions = reverts.flatMap(({ revision: { name, down } }) => (down === undefined ? [name] : []));
  if (revisions.length > 0) throw new Failure('revision-without-down', { ...place, revisions });
  const faults = reverts.flatMap(({ revision: { down } }) => (down?.language === 'sql' ? down.faults : []));
  if (faults.length > 0) throw new Failure('revision-invalid', { service: service.name, faults });
}

/**
 * Seeds stand on the head: those with a down text go before the revisions. One without is forgotten where the database
 * goes back to base, since its rows go with their tables; else it stays.
 */
export function seedsToRevert(
  rows: readonly LedgerRow[],
  files: readonly Revision[],
  toBase: boolean,
): readonly Revertible[] {
  const byName = new Map(files.map((seed) => [seed.name, seed]));
  return rows
    .filter(({ kind }) => kind === 'seed')
    .toReversed()
    .flatMap((row): Revertible[] => {
      const file = byName.get(row.name);
      const down = file?.down?.checksum === row.downChecksum ? file?.down : undefined;
      if (down === undefined && !toBase) return [];
      const recorded = recordedRevision(row, undefined, file?.up.file ?? row.upFile);
      const revision = { ...(file ?? recorded), down };
      const because = down === undefined ? 'its rows go with their tables' : 'it stands on the head';
      return [{ revision, row, origin: 'file', because, lost: false }];
    });
}
