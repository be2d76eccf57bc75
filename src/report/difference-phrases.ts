import type { Difference, ObjectName } from '../core/schema/diff.ts';
import { truncateColumns } from './columns.ts';

/** The longest value that is shown, in columns: a function's body is not to be read in a list. */
const LONGEST = 60;

/** `column public.users.email: its type is text, not character varying(255)`; `wanted` by what it was compared with. */
export function phraseDifference(difference: Difference): string {
  const name = phraseObject(difference.object);
  if (difference.what === 'missing') return `${name} is missing`;
  if (difference.what === 'extra') return `${name} is there, and should not be`;
  const { field, wanted, found } = difference;
  if (wanted !== undefined && found !== undefined && isLong(wanted, found)) {
    return `${name}: another ${field}${firstChange(wanted, found)}`;
  }
  if (wanted === undefined) return `${name}: ${field} is ${shown(found)}, and should be the default`;
  if (found === undefined) return `${name}: ${field} is the default, and should be ${shown(wanted)}`;
  return `${name}: ${field} is ${shown(found)}, and should be ${shown(wanted)}`;
}

function phraseObject({ kind, name, of }: ObjectName): string {
  if (of === undefined) return kind === 'other' ? name : `${kind} ${name}`;
  if (kind === 'column') return `column ${of}.${name}`;
  return kind === 'sequence' || kind === 'statistics' ? `${kind} ${name}` : `${kind} ${name} on ${of}`;
}

function isLong(wanted: string, found: string): boolean {
  return [wanted, found].some((text) => text.includes('\n') || text.length > LONGEST);
}

/** The first line that differs, for what is too long to be shown whole. */
function firstChange(wanted: string, found: string): string {
  const [want, have] = [wanted.split('\n'), found.split('\n')];
  const at = want.findIndex((line, index) => line !== have[index]);
  const line = at < 0 ? want.length : at;
  const [left, right] = commonless(have[line] ?? '', want[line] ?? '');
  const where = want.length > 1 || have.length > 1 ? `, from line ${line + 1} on` : '';
  return `${where}: ${shown(left)}, and should be ${shown(right)}`;
}

/** Both without the words that they begin with in common, where something is left. */
function commonless(found: string, wanted: string): readonly [string, string] {
  let at = 0;
  while (at < found.length && found[at] === wanted[at]) at += 1;
  const start = found.lastIndexOf(' ', at - 1) + 1;
  if (start === 0) return [found, wanted];
  return [`…${found.slice(start)}`, `…${wanted.slice(start)}`];
}

function shown(text: string | undefined): string {
  const line = (text ?? '').replace(/\s+/g, ' ').trim();
  return line === '' || line === '…' ? 'nothing' : truncateColumns(line, LONGEST);
}
