import type { Loss } from '../observed.ts';
import type { Drop } from '../plan.ts';
import type { RevisionText } from '../revision.ts';
import { type DroppedName, findDroppedNames } from '../sql/drops.ts';

/** Longer texts are not read for what they drop, in UTF-16 units: nobody would read that list. */
const READ = 1_000_000;

/**
 * The data that a down text takes away, as far as its statements say so and the tables are there.
 * @param tables those of the database, as the catalog names them
 */
export function findDrops(down: RevisionText | undefined, tables: Loss['tables']): readonly Drop[] {
  if (down?.language !== 'sql' || down.length > READ) return [];
  return findDroppedNames(down.text).flatMap((dropped) => dropsOf(dropped, tables));
}

function dropsOf({ what, name, column }: DroppedName, tables: Loss['tables']): readonly Drop[] {
  if (what === 'schema') {
    const inside = tables.filter((table) => table.name.startsWith(`${name}.`));
    return inside.map((table) => ({ what: 'table', table: table.name, column, rows: table.rows, exact: table.exact }));
  }
  // A bare name may be found in another schema of the search path.
  const found = tables.find((table) => table.name === name) ?? tables.find((table) => table.name.endsWith(`.${name}`));
  return [{ what, table: found?.name ?? name, column, rows: found?.rows, exact: found?.exact ?? true }];
}
