import { batchQuery } from '../../core/batch-query.ts';
import { BatchMark, type RecordedAction } from '../../core/recorded-code.ts';
import type { Revision } from '../../core/revision.ts';
import { type FormattedSql, formatFragment } from '../../core/sql/fragment.ts';
import { parameterSql, replaceParameters } from '../../core/sql/parameters.ts';
import { forPsql } from '../../core/sql/psql-text.ts';
import { openCursorSql } from './cursor-sql.ts';
import { quoteLiteral } from './quoting.ts';

/**
 * What a TypeScript revision does, as SQL. Batches become a loop on the server, whose statements are formed with each
 * batch's keys as literals without a type, as the parameters were.
 */
export function actionSql(action: RecordedAction, revision: Revision, own: 'up' | 'down' | undefined): string {
  if (action.kind === 'note')
    return action.text
      .split(/\r?\n|\r/)
      .map((line) => `-- ${line}\n`)
      .join('');
  if (action.kind === 'statement') return `${forPsql(inline(action.statement)).replace(/;\s*$/, '')}\n;\n`;
  const { name } = action;
  const open = own === undefined ? '' : `${openCursorSql(revision, { direction: own, name })};\n`;
  return `${open}DO ${quoteLiteral(loopSql(action, revision, own))};\n`;
}

type Batches = Extract<RecordedAction, { kind: 'batches' }>;

function loopSql({ plan, statements, name }: Batches, revision: Revision, own: 'up' | 'down' | undefined): string {
  const first = keysQuery(plan, undefined);
  const behind = keysQuery(plan, new BatchMark('last'));
  const work = statements.map((statement) => `    EXECUTE ${formatCall(statement)};`).join('\n');
  return `DECLARE
  keys pg_catalog.text[];
  done pg_catalog.text;
  total pg_catalog.int8 := 0;
BEGIN
  LOOP
    IF done IS NULL THEN EXECUTE ${quoteLiteral(inline(first))} INTO keys;
    ELSE EXECUTE pg_catalog.format(${quoteLiteral(template(behind, '%1$L'))}, done) INTO keys;
    END IF;
    EXIT WHEN keys IS NULL;
    IF pg_catalog.array_position(keys, NULL) IS NOT NULL THEN RAISE EXCEPTION 'the key of batches is NULL in some rows'; END IF;
${work}
    done := keys[pg_catalog.cardinality(keys)];
    total := total OPERATOR(pg_catalog.+) pg_catalog.cardinality(keys);${own === undefined ? '' : `\n${moveSql(revision, own, name)}`}
  END LOOP;
END`;
}

/** The keys of a batch in one row; NULL: there is none. */
function keysQuery(plan: Batches['plan'], position: BatchMark | undefined): FormattedSql {
  const { text, parameters } = formatFragment(batchQuery(plan, position));
  const key = plan.key.replaceAll('"', '""');
  return { text: `SELECT pg_catalog.array_agg(k."orch.key" ORDER BY k."${key}") FROM (${text}) AS k`, parameters };
}

function moveSql(revision: Revision, direction: 'up' | 'down', name: string): string {
  const row = `c.kind = ${quoteLiteral(revision.kind)} AND c.revision = ${quoteLiteral(revision.name)} AND c.direction = ${quoteLiteral(direction)} AND c.name = ${quoteLiteral(name)}`;
  return `    UPDATE orch.cursor AS c SET position = done, rows_done = total, at = pg_catalog.clock_timestamp() WHERE ${row};
    COMMIT;`;
}

function inline({ text, parameters }: FormattedSql): string {
  return replaceParameters(text, (index) => parameterSql(parameters[index - 1]));
}

/** A call that gives the statement with this batch's keys in it. */
function formatCall(statement: FormattedSql): string {
  const { text, parameters } = statement;
  if (!parameters.some((parameter) => parameter instanceof BatchMark)) return quoteLiteral(inline(statement));
  return `pg_catalog.format(${quoteLiteral(template({ text, parameters }))}, keys::pg_catalog.text, keys[1], keys[pg_catalog.cardinality(keys)])`;
}

const places: Readonly<Record<BatchMark['of'], string>> = { keys: '%1$L', first: '%2$L', last: '%3$L' };

/** For `format`: a per cent sign is written twice, a mark stands for its argument. */
function template({ text, parameters }: FormattedSql, mark?: string): string {
  const double = (part: string): string => part.replaceAll('%', '%%');
  const show = (index: number): string => {
    const value = parameters[index - 1];
    return value instanceof BatchMark ? (mark ?? places[value.of]) : double(parameterSql(value));
  };
  return replaceParameters(text, show, double);
}
