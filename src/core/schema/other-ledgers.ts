import type { Catalog, CatalogObject } from './catalog.ts';

/** A table in which another tool keeps what it has applied. */
interface KnownLedger {
  readonly tool: string;
  /** As it is called by default, without a schema. */
  readonly table: string;
  /** Columns that it must have: names such as `migrations` are anybody's. */
  readonly columns: readonly string[];
  /** The column that says what was applied, and the one whose highest value is the newest; absent: it says nothing of the kind. */
  readonly version?: { readonly column: string; readonly newest: string } | { readonly column: string };
}

/**
 * Where each name comes from: the tool's own documentation or source, as noted. A service may have renamed its table: then it
 * is a table like any other.
 */
const KNOWN: readonly KnownLedger[] = [
  // Alembic: `EnvironmentContext.configure(version_table="alembic_version")`; a row for each head.
  ledger('Alembic', 'alembic_version', ['version_num'], { column: 'version_num' }),
  // Flyway: property `flyway.table`, default `flyway_schema_history`; `schema_version` before Flyway 5.
  ledger('Flyway', 'flyway_schema_history', ['installed_rank', 'version', 'checksum'], by('version', 'installed_rank')),
  ledger('Flyway', 'schema_version', ['installed_rank', 'version', 'checksum'], by('version', 'installed_rank')),
  // Liquibase: `liquibase.database.changelogTableName`, `…LockTableName`.
  ledger('Liquibase', 'databasechangelog', ['id', 'author', 'filename', 'orderexecuted'], by('id', 'orderexecuted')),
  ledger('Liquibase', 'databasechangeloglock', ['id', 'locked']),
  // Rails (`ActiveRecord::Base.schema_migrations_table_name`), dbmate (`--migrations-table`), golang-migrate
  // (`x-migrations-table`, with a column `dirty`) and Ecto (with `inserted_at`) share the name.
  ledger('golang-migrate', 'schema_migrations', ['version', 'dirty'], by('version', 'version')),
  ledger('Rails, dbmate or Ecto', 'schema_migrations', ['version'], by('version', 'version')),
  ledger('Rails', 'ar_internal_metadata', ['key', 'value']),
  // Prisma Migrate: fixed in the schema engine.
  ledger('Prisma', '_prisma_migrations', ['migration_name', 'started_at'], by('migration_name', 'started_at')),
  // Django: `MigrationRecorder.Migration.Meta.db_table`.
  ledger('Django', 'django_migrations', ['id', 'app', 'name', 'applied'], by('name', 'id')),
  // Knex: config `migrations.tableName`, default `knex_migrations`; Objection and others build on it.
  ledger('Knex', 'knex_migrations', ['id', 'name', 'batch'], by('name', 'id')),
  ledger('Knex', 'knex_migrations_lock', ['is_locked']),
  // Sequelize CLI: option `migrationStorageTableName`.
  ledger('Sequelize', 'SequelizeMeta', ['name'], by('name', 'name')),
  // TypeORM: DataSource option `migrationsTableName`; Laravel: config `database.migrations.table`.
  ledger('TypeORM', 'migrations', ['id', 'timestamp', 'name'], by('name', 'timestamp')),
  ledger('Laravel', 'migrations', ['id', 'migration', 'batch'], by('migration', 'id')),
  // Kysely: `Migrator` option `migrationTableName`, `migrationLockTableName`.
  ledger('Kysely', 'kysely_migration', ['name', 'timestamp'], by('name', 'timestamp')),
  ledger('Kysely', 'kysely_migration_lock', ['id', 'is_locked']),
  // Drizzle Kit: schema `drizzle`, config `migrations.table`.
  ledger('Drizzle', '__drizzle_migrations', ['id', 'hash', 'created_at'], by('created_at', 'created_at')),
  // node-pg-migrate: option `migrations-table`.
  ledger('node-pg-migrate', 'pgmigrations', ['id', 'name', 'run_on'], by('name', 'id')),
  // MikroORM: option `migrations.tableName`.
  ledger('MikroORM', 'mikro_orm_migrations', ['id', 'name', 'executed_at'], by('name', 'id')),
  // Entity Framework Core: `HistoryRepository.DefaultTableName`.
  ledger('EF Core', '__EFMigrationsHistory', ['MigrationId', 'ProductVersion'], by('MigrationId', 'MigrationId')),
  // goose: `goose.SetTableName`, default `goose_db_version`.
  ledger('goose', 'goose_db_version', ['id', 'version_id', 'is_applied'], by('version_id', 'id')),
  // Atlas: schema and table `atlas_schema_revisions`.
  ledger('Atlas', 'atlas_schema_revisions', ['version', 'executed_at'], by('version', 'executed_at')),
  // sqlx (Rust), Diesel, refinery: fixed in their sources.
  ledger('sqlx', '_sqlx_migrations', ['version', 'installed_on'], by('version', 'version')),
  ledger('Diesel', '__diesel_schema_migrations', ['version', 'run_on'], by('version', 'version')),
  ledger('refinery', 'refinery_schema_history', ['version', 'applied_on'], by('version', 'version')),
];

/** Another tool's ledger in a database. */
export interface OtherLedger {
  readonly tool: string;
  /** As SQL names it: `public.alembic_version`. */
  readonly table: string;
  /** As `table`, for people: without `public`. */
  readonly shown: string;
  readonly version: KnownLedger['version'];
}

/** The ledgers of other tools among these objects, one for each table. */
export function findOtherLedgers({ objects }: Catalog): readonly OtherLedger[] {
  const columns = new Map<string, Set<string>>();
  for (const { kind, of, name } of objects) {
    if (kind !== 'column' || of === undefined) continue;
    columns.set(of, (columns.get(of) ?? new Set()).add(unquoted(name)));
  }
  return objects.flatMap((object) => {
    const known = object.kind === 'table' ? findKnown(object, columns.get(object.name) ?? new Set()) : undefined;
    if (known === undefined) return [];
    const { tool, version } = known;
    return [{ tool, table: object.name, shown: object.name.replace(/^public\./, ''), version }];
  });
}

function findKnown({ name }: CatalogObject, columns: ReadonlySet<string>): KnownLedger | undefined {
  return KNOWN.find(
    ({ table, columns: wanted }) => lastPart(name) === table && wanted.every((column) => columns.has(column)),
  );
}

/** `public."SequelizeMeta"` → `SequelizeMeta`. */
function lastPart(name: string): string {
  return unquoted(/(?:"(?:[^"]|"")*"|[^".]+)$/.exec(name)?.[0] ?? name);
}

function unquoted(name: string): string {
  return name.startsWith('"') ? name.slice(1, -1).replaceAll('""', '"') : name;
}

function ledger(
  tool: string,
  table: string,
  columns: readonly string[],
  version?: KnownLedger['version'],
): KnownLedger {
  return version === undefined ? { tool, table, columns } : { tool, table, columns, version };
}

function by(column: string, newest: string): { readonly column: string; readonly newest: string } {
  return { column, newest };
}
