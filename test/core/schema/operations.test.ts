import { describe, expect, test } from 'vitest';
import type { CatalogObject } from '../../../src/core/schema/catalog.ts';
import { planChange } from '../../../src/core/schema/operations.ts';
import { formatChange } from '../../../src/core/schema/sql.ts';
import { column, object, table } from './support.ts';

/** The statements from one schema to another. */
function sql(before: readonly CatalogObject[], after: readonly CatalogObject[]): string {
  return formatChange(planChange({ objects: before }, { objects: after }));
}

const users = table('public.users', { columns: 'id, email' });
const id = column('public.users', 'id', { type: 'bigint', nullable: 'no', identity: 'always' });
const email = column('public.users', 'email', { type: 'text', nullable: 'no' });
const key = object('constraint', 'pk_users', 'public.users', { definition: 'PRIMARY KEY (id)' });
const view = object('view', 'public.mails', undefined, { definition: ' SELECT email\n   FROM public.users;' });
const every = [users, id, email, key];

describe('the statements of a change', () => {
  test('are none between equal schemas, also where columns stand in another order', () => {
    expect(sql(every, every)).toBe('');
    expect(sql(every, [table('public.users', { columns: 'email, id' }), id, email, key])).toBe('');
  });

  test('make a table whole, then what is on it, then what looks at it; and drop them the other way round', () => {
    const index = object('index', 'ix_users_email', 'public.users', {
      definition: 'CREATE INDEX ix_users_email ON public.users USING btree (email)',
    });
    const notes = table('public.notes', { columns: 'author', comment: "who's who" });
    const author = column('public.notes', 'author', { type: 'bigint' });
    const foreign = object('constraint', 'fk_notes', 'public.notes', {
      definition: 'FOREIGN KEY (author) REFERENCES public.users(id)',
    });
    const all = [view, foreign, author, notes, index, ...every];
    expect(sql([], all)).toBe(`CREATE TABLE public.notes (
  author bigint
);
COMMENT ON TABLE public.notes IS 'who''s who';

CREATE TABLE public.users (
  id bigint GENERATED ALWAYS AS IDENTITY,
  email text NOT NULL,
  CONSTRAINT pk_users PRIMARY KEY (id)
);
CREATE INDEX ix_users_email ON public.users USING btree (email);

ALTER TABLE public.notes ADD CONSTRAINT fk_notes FOREIGN KEY (author) REFERENCES public.users(id);

CREATE VIEW public.mails AS
 SELECT email
   FROM public.users;
`);
    expect(sql(all, [])).toBe(`DROP VIEW public.mails;

-- LOSES DATA: the rows of public.notes go.
DROP TABLE public.notes;

-- LOSES DATA: the rows of public.users go.
DROP TABLE public.users;
`);
  });

  test('take a view away while a column under it gets another type', () => {
    const shorter = column('public.users', 'email', { type: 'character varying(80)', nullable: 'no' });
    expect(sql([...every, view], [users, id, shorter, key, view])).toBe(`DROP VIEW public.mails;

-- MAY LOSE DATA: fails, or cuts values off, where public.users.email (text) holds what character varying(80) can't.
ALTER TABLE public.users ALTER COLUMN email TYPE character varying(80);

CREATE VIEW public.mails AS
 SELECT email
   FROM public.users;
`);
  });

  test('say what USING they had to make up, and where rows stand in the way', () => {
    const number = column('public.users', 'email', { type: 'integer', nullable: 'no' });
    expect(sql(every, [users, id, number, key])).toContain(
      '-- PostgreSQL does not cast text to integer by itself: see whether this USING is what you mean.\nALTER TABLE public.users ALTER COLUMN email TYPE integer USING email::integer;',
    );
    const phone = column('public.users', 'phone', { type: 'text', nullable: 'no' });
    expect(sql(every, [...every, phone])).toBe(
      '-- Fails where public.users has rows: give it a DEFAULT, or fill it before SET NOT NULL.\nALTER TABLE public.users ADD COLUMN phone text NOT NULL;\n',
    );
  });

  test('offer a rename where a column goes and one of its type comes', () => {
    const mail = column('public.users', 'mail', { type: 'text', nullable: 'no', default: "''::text" });
    expect(sql(every, [users, id, mail, key])).toBe(`-- LOSES DATA: what is in public.users.email goes.
-- If it is to be mail instead, write this for the DROP and the ADD, here and the other way round:
--   ALTER TABLE public.users RENAME COLUMN email TO mail;
ALTER TABLE public.users DROP COLUMN email;

ALTER TABLE public.users ADD COLUMN mail text DEFAULT ''::text NOT NULL;
`);
  });

  test('keep a name with a line end inside its comment', () => {
    const evil = column('public.users', '"x\n; DROP TABLE public.users; --"', { type: 'text' });
    const [comment, ...statements] = sql([...every, evil], every).split('\n');
    expect(comment).toContain('-- LOSES DATA: what is in public.users."x ; DROP TABLE public.users; --" goes.');
    expect(statements.join('\n')).toBe('ALTER TABLE public.users DROP COLUMN "x\n; DROP TABLE public.users; --";\n');
  });

  test('add values to an enum, but make it anew where one goes or is used at once', () => {
    const mood = (values: string): CatalogObject => object('enum', 'public.mood', undefined, { values });
    expect(sql([mood("'sad', 'ok'")], [mood("'sad', 'so', 'ok'")])).toContain(
      "ALTER TYPE public.mood ADD VALUE 'so' AFTER 'sad';",
    );
    const feels = (fallback: string): CatalogObject =>
      column('public.users', 'mood', { type: 'public.mood', default: fallback });
    const anew = sql(
      [...every, mood("'sad', 'ok'"), feels("'sad'::public.mood")],
      [...every, mood("'sad', 'ok', 'fine'"), feels("'fine'::public.mood")],
    );
    expect(anew).toBe(`ALTER TYPE public.mood RENAME TO "mood__old";
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'fine');
ALTER TABLE public.users ALTER COLUMN mood DROP DEFAULT;
ALTER TABLE public.users ALTER COLUMN mood TYPE public.mood USING mood::text::public.mood;
ALTER TABLE public.users ALTER COLUMN mood SET DEFAULT 'fine'::public.mood;

DROP TYPE public."mood__old";
`);
  });

  test('make a function before the table whose check calls it, and a table before the function that gives its rows', () => {
    const check = object('constraint', 'ck', 'public.users', { definition: 'CHECK (public.ok(email))' });
    const ok = object('function', 'public.ok(a text)', undefined, {
      definition:
        'CREATE OR REPLACE FUNCTION public.ok(a text)\n RETURNS boolean\n LANGUAGE plpgsql\nAS $function$ BEGIN RETURN true; END $function$\n',
    });
    const all = object('function', 'public.all_users()', undefined, {
      definition:
        'CREATE OR REPLACE FUNCTION public.all_users()\n RETURNS SETOF public.users\n LANGUAGE plpgsql\nAS $function$ BEGIN END $function$\n',
    });
    const made = sql([], [all, check, ok, ...every]);
    const places = ['FUNCTION public.ok', 'CREATE TABLE', 'FUNCTION public.all_users'].map((part) =>
      made.indexOf(part),
    );
    expect(places).toEqual(places.toSorted((left, right) => left - right));
    expect(places).not.toContain(-1);
  });
});
