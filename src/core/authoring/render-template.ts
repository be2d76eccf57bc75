import { type NameKind, type NamingConvention, nameOf } from '../naming.ts';
import { findNearest } from '../nearest.ts';
import type { Subject } from './message-guess.ts';

/** What a template may put in. */
export interface TemplateValues {
  /** The `orch:` lines, in the language of the file; empty for a down file, whose head is the up file's. */
  readonly head: string;
  readonly id: string;
  readonly name: string;
  readonly message: string;
  readonly service: string;
  readonly database: string;
  readonly author: string;
  readonly created: string;
  /** Names, joined with `and`. */
  readonly parents: string;
  readonly subject: Subject;
  readonly naming: NamingConvention;
}

/** A fault at a place of the template. */
export interface TemplateFault {
  readonly offset: number;
  readonly message: string;
  readonly hint: string | undefined;
}

type Word = Exclude<keyof TemplateValues, 'subject' | 'naming'>;

const words: readonly Word[] = ['head', 'id', 'name', 'message', 'service', 'database', 'author', 'created', 'parents'];
const subjects: readonly (keyof Subject)[] = ['table', 'column', 'referred'];
const kinds: { readonly [K in NameKind]: { readonly most: number; readonly example: string } } = {
  pk: { most: 1, example: '{{pk table}}' },
  ix: { most: Number.POSITIVE_INFINITY, example: '{{ix table column}}' },
  uq: { most: Number.POSITIVE_INFINITY, example: '{{uq table column}}' },
  fk: { most: Number.POSITIVE_INFINITY, example: '{{fk table column referred}}' },
  ck: { most: 2, example: '{{ck table column}}' },
};

/**
 * A template with its `{{words}}` put in: `{{message}}`, `{{table}}`, or a name by the convention such as
 * `{{fk orders user_id users}}`, in which `table`, `column` and `referred` stand for what the message is about.
 * A template without `{{head}}` gets it on top: without its head a file would lose its place in the history.
 */
export function renderTemplate(
  template: string,
  values: TemplateValues,
): { readonly text: string; readonly faults: readonly TemplateFault[] } {
  const faults: TemplateFault[] = [];
  const text = template.replace(/\{\{([^{}]*)\}\}/g, (whole, inside: string, offset: number) => {
    const put = putIn(inside.trim(), values);
    if (typeof put === 'string') return put;
    faults.push({ offset, ...put });
    return whole;
  });
  const isHeadless = values.head !== '' && !/\{\{\s*head\s*\}\}/.test(template);
  return { text: isHeadless ? `${values.head}\n\n${text}` : text, faults };
}

type Wrong = Pick<TemplateFault, 'message' | 'hint'>;

function putIn(inside: string, values: TemplateValues): string | Wrong {
  const [first = '', ...rest] = inside.split(/[\s,]+/);
  if (Object.hasOwn(kinds, first)) return conventionName(first as NameKind, rest, values);
  if (rest.length === 0 && words.includes(first as Word)) return values[first as Word];
  if (rest.length === 0 && subjects.includes(first as keyof Subject)) return values.subject[first as keyof Subject];
  const known = [...words, ...subjects, ...Object.keys(kinds)];
  const nearest = findNearest(first, known);
  return {
    message: `{{${inside}}} is nothing that a template can put in`,
    hint: nearest === undefined ? `the words are ${known.join(', ')}` : `did you mean {{${nearest}}}?`,
  };
}

function conventionName(kind: NameKind, given: readonly string[], values: TemplateValues): string | Wrong {
  const { most, example } = kinds[kind];
  const least = kind === 'pk' ? 1 : kind === 'fk' ? 3 : 2;
  if (given.length < least || given.length > most) {
    return { message: `{{${[kind, ...given].join(' ')}}} is no name of this kind`, hint: `write it as in ${example}` };
  }
  const [table = '', ...others] = given.map((word) =>
    subjects.includes(word as keyof Subject) ? values.subject[word as keyof Subject] : word,
  );
  const referredTable = kind === 'fk' ? (others.at(-1) ?? '') : '';
  const columns = kind === 'fk' ? others.slice(0, -1) : others;
  return nameOf(values.naming, kind, { table, columns, referredTable });
}
