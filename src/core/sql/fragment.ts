import { sqlIdentifier } from './quote.ts';

/** A piece of SQL that keeps its values apart: they travel as parameters and are never part of the text. */
export class SqlFragment {
  /** What stands around the values: one more than there are values. */
  readonly strings: readonly string[];
  readonly values: readonly unknown[];

  constructor(strings: readonly string[], values: readonly unknown[]) {
    this.strings = strings;
    this.values = values;
  }
}

/**
 * The tag of sql`… ${value} …`. A value becomes a parameter, another fragment is put in as it is. Backslashes are kept
 * as written, as in a .sql file. Throws TypeError for `undefined`, which is most often a mistake: null is NULL.
 */
export function sql(strings: TemplateStringsArray, ...values: readonly unknown[]): SqlFragment {
  if (values.includes(undefined)) throw new TypeError('a value in sql`…` is undefined; write null for NULL');
  return new SqlFragment(strings.raw, values);
}

/** Text that is SQL already, such as a query that a caller wrote. */
export function rawSql(text: string): SqlFragment {
  return new SqlFragment([text], []);
}

/** A name, or a name with its schema in front, in double quotes: `"app"."users"`. */
export function identifier(...parts: readonly string[]): SqlFragment {
  return rawSql(parts.map(sqlIdentifier).join('.'));
}

/** A fragment as PostgreSQL takes it: parameters are `$1`, `$2`, … in the text. */
export interface FormattedSql {
  readonly text: string;
  readonly parameters: readonly unknown[];
}

export function formatFragment(fragment: SqlFragment): FormattedSql {
  const parameters: unknown[] = [];
  const text = formatWith(fragment, (value) => `$${parameters.push(value)}`);
  return { text, parameters };
}

/** The fragment's text, each value as `show` gives it. */
function formatWith(fragment: SqlFragment, show: (value: unknown) => string): string {
  const parts = fragment.strings.map((part, index) => {
    if (index >= fragment.values.length) return part;
    const value = fragment.values[index];
    return part + (value instanceof SqlFragment ? formatWith(value, show) : show(value));
  });
  return parts.join('');
}
