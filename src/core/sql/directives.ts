import { findNearest } from '../nearest.ts';
import type { Requirement } from '../revision.ts';
import { parseDuration } from './duration.ts';

/** What the `orch:` lines at the head of a revision file say. */
interface Directives {
  readonly message: string | undefined;
  /** As written: numbers or names; empty for `none`; undefined where there is no such line. */
  readonly parents: readonly string[] | undefined;
  readonly transaction: 'none' | undefined;
  /** In ms. */
  readonly lockTimeout: number | undefined;
  readonly lockRetry: number | undefined;
  readonly statementTimeout: number | undefined;
  readonly labels: readonly string[];
  readonly requires: readonly Requirement[];
  readonly irreversible: string | undefined;
  readonly variables: readonly string[];
  readonly author: string | undefined;
  readonly created: string | undefined;
}

export type DirectiveKey =
  | 'message'
  | 'parents'
  | 'transaction'
  | 'lock_timeout'
  | 'lock_retry'
  | 'statement_timeout'
  | 'labels'
  | 'requires'
  | 'irreversible'
  | 'variables'
  | 'author'
  | 'created';

/** A fault at a place of the text. */
export interface OffsetFault {
  readonly offset: number;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface Head {
  readonly directives: Directives;
  /** Offsets of the directives, for faults that only the whole folder shows. */
  readonly places: ReadonlyMap<DirectiveKey, number>;
  readonly faults: readonly OffsetFault[];
  /** Where the head ends: the offset of the first token that is no comment. */
  readonly end: number;
}

type Draft = { -readonly [K in keyof Directives]: Directives[K] };

interface Reader {
  readonly example: string;
  /** Puts the value in; false: it is none of this kind. */
  readonly read: (draft: Draft, value: string) => boolean;
}

const readers: ReadonlyMap<string, Reader> = new Map<DirectiveKey, Reader>([
  ['message', { example: 'message add the users table', read: readText('message') }],
  ['parents', { example: 'parents 001_users` or `parents none', read: readParents }],
  ['transaction', { example: 'transaction none', read: readTransaction }],
  ['lock_timeout', { example: 'lock_timeout 5s', read: readTimeout('lockTimeout') }],
  ['lock_retry', { example: 'lock_retry 10m', read: readTimeout('lockRetry') }],
  ['statement_timeout', { example: 'statement_timeout 10m', read: readTimeout('statementTimeout') }],
  ['labels', { example: 'labels billing', read: readNames('labels', /^[A-Za-z_][\w-]*$/) }],
  ['requires', { example: 'requires api-auth@002', read: readRequires }],
  ['irreversible', { example: 'irreversible the old values are gone', read: readText('irreversible') }],
  ['variables', { example: 'variables schema_name', read: readNames('variables', /^[a-z_][a-z0-9_]*$/) }],
  ['author', { example: 'author Ada Lovelace <ada@example.org>', read: readText('author') }],
  ['created', { example: 'created 2026-01-31', read: readCreated }],
]);

/**
 * Reads the head of a file: white space and comments before the first token. Only `--` comments carry directives in
 * SQL, only `//` comments in TypeScript; block comments are passed over.
 */
export function parseHead(text: string, marker: '--' | '//'): Head {
  const draft: Draft = {
    message: undefined,
    parents: undefined,
    transaction: undefined,
    lockTimeout: undefined,
    lockRetry: undefined,
    statementTimeout: undefined,
    labels: [],
    requires: [],
    irreversible: undefined,
    variables: [],
    author: undefined,
    created: undefined,
  };
  const places = new Map<DirectiveKey, number>();
  const faults: OffsetFault[] = [];
  let at = skipSpace(text, 0);
  for (;;) {
    const end = commentEnd(text, at, marker);
    if (end === undefined) return { directives: draft, places, faults, end: at };
    const line = text.slice(at, end);
    if (line.startsWith(marker)) {
      const fault = readLine(draft, places, line.slice(marker.length), at);
      if (fault !== undefined) faults.push(fault);
    }
    at = skipSpace(text, end);
  }
}

/** True where the line comment at `offset` is one of ours: `-- orch:` or `--orch:`. */
export function isDirective(text: string, offset: number): boolean {
  let at = offset + 2;
  while (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9) at += 1;
  return text.startsWith('orch:', at);
}

/** The fault of a directive that stands below the first statement, where it would be overlooked. */
export function lateDirective(offset: number): OffsetFault {
  return {
    offset,
    message: 'a directive below the first statement has no effect',
    hint: 'move it above everything but comments',
  };
}

function readLine(
  draft: Draft,
  places: Map<DirectiveKey, number>,
  comment: string,
  offset: number,
): OffsetFault | undefined {
  const match = /^[ \t]*orch:[ \t]*(\S*)[ \t]*/.exec(comment);
  if (match === null) return undefined;
  const key = match[1] ?? '';
  const reader = readers.get(key);
  if (reader === undefined) return unknownDirective(key, offset);
  const known = key as DirectiveKey;
  if (places.has(known)) return { offset, message: `the directive "${key}" is there twice`, hint: undefined };
  places.set(known, offset);
  const value = comment.slice(match[0].length).trimEnd();
  if (reader.read(draft, value)) return undefined;
  const message =
    value === '' ? `the directive "${key}" has no value` : `"${value}" is no value of the directive "${key}"`;
  return { offset, message, hint: `write it as in \`${reader.example}\`` };
}

function unknownDirective(key: string, offset: number): OffsetFault {
  const known = [...readers.keys()];
  const nearest = findNearest(key, known);
  return {
    offset,
    message: `"${key}" is no directive`,
    hint: nearest === undefined ? `the directives are ${known.join(', ')}` : `did you mean "${nearest}"?`,
  };
}

function readText(key: 'message' | 'irreversible' | 'author'): Reader['read'] {
  return (draft, value) => {
    draft[key] = value;
    return value !== '';
  };
}

function readNames(key: 'labels' | 'variables', shape: RegExp): Reader['read'] {
  return (draft, value) => {
    const names = splitNames(value);
    draft[key] = names;
    return names.length > 0 && names.every((name) => shape.test(name));
  };
}

function readRequires(draft: Draft, value: string): boolean {
  const parts = splitNames(value).map((name) => /^([^@]+)@([^@]+)$/.exec(name));
  draft.requires = parts.flatMap((part) =>
    part === null ? [] : [{ service: part[1] ?? '', revision: part[2] ?? '' }],
  );
  return parts.length > 0 && !parts.includes(null);
}

/** A date, or a date and a time, that the calendar has. */
function readCreated(draft: Draft, value: string): boolean {
  draft.created = value;
  return (
    /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?$/.test(value) &&
    !Number.isNaN(Date.parse(value))
  );
}

function splitNames(value: string): readonly string[] {
  return value.split(/[\s,]+/).filter((name) => name !== '');
}

function readParents(draft: Draft, value: string): boolean {
  const names = splitNames(value);
  draft.parents = value === 'none' ? [] : names;
  return names.length > 0 && (value === 'none' || !names.includes('none'));
}

function readTransaction(draft: Draft, value: string): boolean {
  draft.transaction = 'none';
  return value === 'none';
}

function readTimeout(key: 'lockTimeout' | 'lockRetry' | 'statementTimeout'): Reader['read'] {
  return (draft, value) => {
    draft[key] = parseDuration(value);
    return draft[key] !== undefined;
  };
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (let code = text.charCodeAt(at); code === 32 || (code >= 9 && code <= 13); code = text.charCodeAt(at)) at += 1;
  return at;
}

/** The end of the comment that begins at `at`; undefined: none does, or nothing closes it. */
function commentEnd(text: string, at: number, marker: '--' | '//'): number | undefined {
  if (text.startsWith(marker, at) || (at === 0 && marker === '//' && text.startsWith('#!'))) return lineEnd(text, at);
  if (!text.startsWith('/*', at)) return undefined;
  return marker === '//' ? plainBlockEnd(text, at) : nestedBlockEnd(text, at);
}

function lineEnd(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '\n' && text[at] !== '\r') at += 1;
  return at;
}

function plainBlockEnd(text: string, from: number): number | undefined {
  const close = text.indexOf('*/', from + 2);
  return close < 0 ? undefined : close + 2;
}

/** PostgreSQL's block comments nest. */
function nestedBlockEnd(text: string, from: number): number | undefined {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = from;
  let depth = 0;
  for (let mark = marks.exec(text); mark !== null; mark = marks.exec(text)) {
    depth += mark[0] === '/*' ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return undefined;
}
