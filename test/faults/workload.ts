import { type Random, randomFrom } from '../config/random.ts';
import { canary } from '../support/canary.ts';
import type { ServiceSketch } from '../support/project-folder.ts';

/** How many histories there are: few, so that the clean run of each is needed once. */
const HISTORIES = 4;
const REVISIONS = 5;

/** `001_first` makes the table of canaries; the others do what people write, and leave one canary each. */
export function history(
  draw: Random,
  special: Readonly<Record<number, string>> = {},
): Readonly<Record<string, string>> {
  const variant = draw.below(HISTORIES);
  const random = randomFrom(variant);
  const files: Record<string, string> = { '001_first.up.sql': canary('001_first', 'CREATE TABLE canary (name text);') };
  for (let number = 2; number <= REVISIONS; number += 1) {
    const kind = random.pick(Object.keys(kinds));
    const also = special[number];
    const name = `00${number}_${also === undefined ? kind : 'special'}`;
    const text = also ?? kinds[kind]?.(number, name) ?? '';
    files[`${name}.up.sql`] = text.includes('INTO public.canary') ? text : canary(name, text);
  }
  return files;
}

/** One service, or two that know nothing of each other. */
export function services(draw: Random, special?: Readonly<Record<number, string>>): Record<string, ServiceSketch> {
  const one = { 'api-a': { revisions: history(draw, special) } };
  return draw.below(3) === 0 ? { ...one, 'api-b': { revisions: history(draw) } } : one;
}

const kinds: Readonly<Record<string, (number: number, name: string) => string>> = {
  table: (number) => `CREATE TABLE t${number} (key int PRIMARY KEY, note text DEFAULT 'a;b');
INSERT INTO t${number} SELECT g, 'é ' || g FROM generate_series(1, 20) AS g;`,
  index: (number) => `CREATE TABLE i${number} (a int);\nCREATE UNIQUE INDEX ix_${number} ON i${number} (a);`,
  routine: (number) => `CREATE TABLE r${number} (a int);
CREATE FUNCTION f${number}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := NEW.a + 1; RETURN NEW; END $$;
CREATE TRIGGER g${number} BEFORE INSERT ON r${number} FOR EACH ROW EXECUTE FUNCTION f${number}();
INSERT INTO r${number} VALUES (1);`,
  leaky: (number) => `CREATE TABLE l${number} (a int);
SET search_path = pg_catalog; SET statement_timeout = '1h'; SET ROLE NONE; CREATE TEMP TABLE canary (a int);`,
  // Several messages of the protocol.
  long: (number) =>
    `CREATE TABLE n${number} (a int, note text);\n${`INSERT INTO n${number} VALUES (1, '${'x'.repeat(300)}');\n`.repeat(400)}`,
  wrapped: (number, name) => `BEGIN;\nCREATE TABLE w${number} (a int);\n${canary(name)}COMMIT;\n`,
};
