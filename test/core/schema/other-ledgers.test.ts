import { describe, expect, it } from 'vitest';
import { findOtherLedgers } from '../../../src/core/schema/other-ledgers.ts';
import { column, object, table } from './support.ts';

function found(name: string, columns: readonly string[]): readonly string[] {
  const objects = [table(name), ...columns.map((each) => column(name, each))];
  return findOtherLedgers({ objects }).map(({ tool, shown }) => `${tool}: ${shown}`);
}

describe("other tools' ledgers", () => {
  it.each([
    ['public.alembic_version', ['version_num'], 'Alembic: alembic_version'],
    ['audit.flyway_schema_history', ['installed_rank', 'version', 'checksum'], 'Flyway: audit.flyway_schema_history'],
    ['public._prisma_migrations', ['id', 'migration_name', 'started_at'], 'Prisma: _prisma_migrations'],
    ['public."SequelizeMeta"', ['name'], 'Sequelize: "SequelizeMeta"'],
    ['public."__EFMigrationsHistory"', ['"MigrationId"', '"ProductVersion"'], 'EF Core: "__EFMigrationsHistory"'],
    ['public.schema_migrations', ['version'], 'Rails, dbmate or Ecto: schema_migrations'],
    ['public.schema_migrations', ['version', 'dirty'], 'golang-migrate: schema_migrations'],
    ['public.migrations', ['id', 'timestamp', 'name'], 'TypeORM: migrations'],
    ['public.migrations', ['id', 'migration', 'batch'], 'Laravel: migrations'],
    ['"odd.schema".alembic_version', ['version_num'], 'Alembic: "odd.schema".alembic_version'],
  ])('%s with %j', (name, columns, expected) => {
    expect(found(name, columns)).toEqual([expected]);
  });

  it('are not tables of such a name with other columns, nor views', () => {
    expect(found('public.migrations', ['id', 'what'])).toEqual([]);
    expect(found('public.my_alembic_version', ['version_num'])).toEqual([]);
    const view = object('view', 'public.alembic_version');
    expect(findOtherLedgers({ objects: [view, column('public.alembic_version', 'version_num')] })).toEqual([]);
  });
});
