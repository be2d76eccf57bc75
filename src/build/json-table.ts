import {
  answerFields,
  endFields,
  eventFields,
  type FieldDoc,
  failureFields,
  findingFields,
  findingKindFields,
  historyFields,
  shownFields,
  stepFields,
} from '../report/json-fields.ts';

const BEGIN = '<!-- generated: json -->';
const END = '<!-- end -->';

/** The README with its table of JSON lines made anew from `report/json-fields.ts`. */
export function withJsonTable(readme: string): string {
  const [before, rest] = readme.split(BEGIN);
  const after = rest?.split(END)[1];
  if (before === undefined || after === undefined) throw new Error(`the README has no ${BEGIN} … ${END}`);
  return `${before}${BEGIN}\n${jsonTable()}\n${END}${after}`;
}

function jsonTable(): string {
  const lines = { ...eventFields, ...endFields };
  return aligned([
    ['Line', 'Its fields'],
    ...Object.entries(lines).map(([type, fields]) => row(type, fields)),
    ...Object.entries(answerFields).map(([type, fields]) => row(`${type} (an answer)`, fields)),
    row('a Step', stepFields),
    row('a Failure', failureFields),
    row('a HistoryRevision', historyFields),
    row('a ShownRevision', shownFields),
    row('a Finding', findingFields),
    ...Object.entries(findingKindFields).map(([kind, fields]) => row(`a Finding, ${kind}`, fields)),
  ]);
}

function row(name: string, fields: Readonly<Record<string, FieldDoc>>): readonly [string, string] {
  const described = Object.entries(fields).map(([field, { type, meaning }]) => `\`${field}\` ${type}: ${meaning}`);
  return [`\`${name}\``, described.join('; ')];
}

/** As Biome formats a table: what it would change, the next format would take from the README again. */
function aligned(rows: readonly (readonly [string, string])[]): string {
  const widths = [0, 1].map((column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  const rule = widths.map((width) => '-'.repeat(width));
  const [head = [], ...body] = rows;
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [head, rule, ...body].map(line).join('\n');
}
