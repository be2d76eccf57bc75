import {
  answerFields,
  endFields,
  eventFields,
  type FieldDoc,
  failureFields,
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
  return [
    '| Line | Its fields |',
    '| --- | --- |',
    ...Object.entries(lines).map(([type, fields]) => row(type, fields)),
    ...Object.entries(answerFields).map(([type, fields]) => row(`${type} (an answer)`, fields)),
    row('a Step', stepFields),
    row('a Failure', failureFields),
  ].join('\n');
}

function row(name: string, fields: Readonly<Record<string, FieldDoc>>): string {
  const described = Object.entries(fields).map(([field, { type, meaning }]) => `\`${field}\` ${type}: ${meaning}`);
  return `| \`${name}\` | ${described.join('; ')} |`;
}
