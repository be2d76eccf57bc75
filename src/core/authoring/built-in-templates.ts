/**
 * Which template a file is made from: also the name of the file in the project's own templates folder.
 *
 * @internal
 */
export const templateFiles = [
  'revision.up.sql',
  'revision.down.sql',
  'revision.ts',
  'merge.up.sql',
  'merge.down.sql',
  'seed.up.sql',
  'seed.ts',
] as const;

export type TemplateFile = (typeof templateFiles)[number];

/** The templates of a project that has none of its own. Examples stand in comments: unfilled, a file does nothing. */
export const builtInTemplates: { readonly [F in TemplateFile]: string } = {
  'revision.up.sql': `{{head}}

-- Names by the project's convention:
--   CREATE TABLE {{table}} (
--     id bigint GENERATED ALWAYS AS IDENTITY,
--     CONSTRAINT {{pk table}} PRIMARY KEY (id)
--   );
--   ALTER TABLE {{table}} ADD COLUMN {{column}} text;
--   ALTER TABLE {{table}} ADD CONSTRAINT {{uq table column}} UNIQUE ({{column}});
--   ALTER TABLE {{table}} ADD CONSTRAINT {{ck table column}} CHECK ({{column}} <> '');
--   ALTER TABLE {{table}} ADD CONSTRAINT {{fk table column referred}}
--     FOREIGN KEY ({{column}}) REFERENCES {{referred}} (id);
--   CREATE INDEX {{ix table column}} ON {{table}} ({{column}});
`,
  'revision.down.sql': `-- Takes back {{name}}, in the opposite order. Remove this file if there is no way back.
--   ALTER TABLE {{table}} DROP COLUMN {{column}};
`,
  'revision.ts': `{{head}}
import type { RevisionHandle } from 'orch';

export async function up({ query, sql }: RevisionHandle): Promise<void> {
  // await query(sql\`UPDATE {{table}} SET {{column}} = \${'…'} WHERE {{column}} IS NULL\`);
}

/** Remove this function if there is no way back. */
export async function down({ query, sql }: RevisionHandle): Promise<void> {
  // await query(sql\`UPDATE {{table}} SET {{column}} = NULL\`);
}
`,
  'merge.up.sql': `{{head}}

-- Joins the branches {{parents}}: nothing else is to be done.
`,
  'merge.down.sql': `-- Takes back {{name}}: the branches are apart again.
`,
  'seed.up.sql': `{{head}}

-- Data for development only; applied once, after the revisions.
--   INSERT INTO {{table}} ({{column}}) VALUES ('…');
`,
  'seed.ts': `{{head}}
import type { RevisionHandle } from 'orch';

/** Data for development only; applied once, after the revisions. */
export async function up({ query, sql }: RevisionHandle): Promise<void> {
  // await query(sql\`INSERT INTO {{table}} ({{column}}) VALUES (\${'…'})\`);
}
`,
};
