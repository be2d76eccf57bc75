import { type Catalog, type CatalogObject, type ObjectKind, objectKey } from './catalog.ts';

/** An identifier as PostgreSQL writes it out. */
const NAME = '(?:"(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)';
const QUALIFIED = new RegExp(`${NAME}\\.${NAME}`, 'g');

/** Every `schema.name` in a text that PostgreSQL wrote out with nothing on the search path: all that it depends on, and more. */
export function namesIn(text: string): ReadonlySet<string> {
  return new Set(text.match(QUALIFIED) ?? []);
}

/** `public.users` of `public.users`, `public.touch` of `public.touch(integer)`, and so on. */
export function baseName(name: string): string {
  return new RegExp(`^${NAME}(?:\\.${NAME})?`).exec(name)?.[0] ?? name;
}

/** The schema's and the object's own part of a qualified name, as SQL names them. */
export function splitName(name: string): readonly [schema: string, own: string] {
  const [, schema = '', own = name] = new RegExp(`^(${NAME})\\.(${NAME})`).exec(name) ?? [];
  return [schema, own];
}

/** Kinds of relations that have columns, and constraints. */
const TABLES: ReadonlySet<ObjectKind> = new Set(['table', 'partitioned table', 'foreign table']);

export function isTable({ kind }: Pick<CatalogObject, 'kind'>): boolean {
  return TABLES.has(kind);
}

export function isForeignKey({ kind, fields }: CatalogObject): boolean {
  return kind === 'constraint' && fields.definition?.startsWith('FOREIGN KEY') === true;
}

/** A catalog that can be asked for its objects, and for what belongs to what. */
export class SchemaModel {
  readonly objects: readonly CatalogObject[];
  readonly #byKey: ReadonlyMap<string, CatalogObject>;
  readonly #parts = new Map<string, CatalogObject[]>();
  readonly #wholes = new Map<string, CatalogObject>();

  constructor({ objects }: Catalog) {
    this.objects = objects;
    this.#byKey = new Map(objects.map((object) => [objectKey(object), object]));
    for (const object of objects) {
      if (object.of === undefined) this.#wholes.set(object.name, object);
      else this.#parts.set(object.of, [...(this.#parts.get(object.of) ?? []), object]);
    }
  }

  find(object: Pick<CatalogObject, 'kind' | 'of' | 'name'>): CatalogObject | undefined {
    return this.#byKey.get(objectKey(object));
  }

  /** What stands by itself under that name. */
  whole(name: string | undefined): CatalogObject | undefined {
    return name === undefined ? undefined : this.#wholes.get(name);
  }

  partsOf(name: string, kind: ObjectKind): readonly CatalogObject[] {
    return (this.#parts.get(name) ?? []).filter((part) => part.kind === kind);
  }

  column(of: string, name: string | undefined): CatalogObject | undefined {
    return this.partsOf(of, 'column').find((column) => column.name === name);
  }

  /** In the order that they have in the table or type. */
  columnsOf(whole: CatalogObject): readonly CatalogObject[] {
    const order: readonly string[] = whole.fields.columns?.match(/"(?:[^"]|"")*"|[^,\s]+/g) ?? [];
    return this.partsOf(whole.name, 'column').toSorted(
      (left, right) => order.indexOf(left.name) - order.indexOf(right.name),
    );
  }

  /** The tables that it is a partition of, or inherits from. */
  parentsOf(name: string): readonly string[] {
    const { 'partition of': partition, inherits } = this.whole(name)?.fields ?? {};
    return [...(partition === undefined ? [] : [baseName(partition)]), ...namesIn(inherits ?? '')];
  }

  /** True for a column or constraint that a table has from its parents: what is done to theirs is done to it. */
  isInherited({ kind, name, of, fields }: CatalogObject): boolean {
    if (of === undefined || (kind !== 'column' && kind !== 'constraint')) return false;
    return this.parentsOf(of).some((parent) =>
      this.partsOf(parent, kind).some(
        (one) => one.name === name && (kind === 'column' || one.fields.definition === fields.definition),
      ),
    );
  }

  /** The sequence that a column owns. */
  ownedSequence({ of, name }: CatalogObject): CatalogObject | undefined {
    if (of === undefined) return undefined;
    return this.partsOf(of, 'sequence').find(({ fields }) => fields['owned by'] === name);
  }

  /** `serial`, `bigserial`, `smallserial`, where a column is just what that makes; undefined: it is not. */
  serialType(column: CatalogObject): string | undefined {
    const sequence = this.ownedSequence(column);
    const { type, default: fallback, nullable, identity } = column.fields;
    if (sequence === undefined || identity !== undefined || nullable !== 'no') return undefined;
    if (fallback !== `nextval('${sequence.name.replaceAll("'", "''")}'::regclass)`) return undefined;
    const isPlain = sequence.fields.type === type && isPlainSequence(sequence) && hasGivenName(sequence);
    return isPlain ? SERIAL[type ?? ''] : undefined;
  }

  /** True for the sequence of an identity or serial column, which comes and goes with that. */
  isColumnsOwn({ kind, of, fields }: CatalogObject): boolean {
    if (kind !== 'sequence' || of === undefined) return false;
    const column = this.column(of, fields['owned by']);
    return column !== undefined && (column.fields.identity !== undefined || this.serialType(column) !== undefined);
  }
}

const SERIAL: Readonly<Record<string, string>> = { integer: 'serial', bigint: 'bigserial', smallint: 'smallserial' };

const HIGHEST: Readonly<Record<string, string>> = {
  smallint: '32767',
  integer: '2147483647',
  bigint: '9223372036854775807',
};

/** True: it counts from 1 by 1, as one does of which nothing is said. */
export function isPlainSequence({ fields }: CatalogObject): boolean {
  const highest = HIGHEST[fields.type ?? ''];
  const plain = `start 1 increment 1 minimum 1 maximum ${highest} cache 1`;
  return fields.definition === plain && fields.persistence === undefined && fields.comment === undefined;
}

/** True: its name is what PostgreSQL makes of the table's and the column's, as far as that is short. */
export function hasGivenName({ name, of = '', fields }: CatalogObject): boolean {
  const bare = (text = ''): string => (text.startsWith('"') ? text.slice(1, -1).replaceAll('""', '"') : text);
  const [schema, own] = splitName(name);
  const [tableSchema, table] = splitName(of);
  return schema === tableSchema && bare(own) === `${bare(table)}_${bare(fields['owned by'])}_seq`;
}
