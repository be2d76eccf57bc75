import type { Document } from 'yaml';
import { parseDocument } from 'yaml';
import type { Fault } from '../core/fault.ts';
import type { ConfigDocument, ConfigPath, SourceText, TextRange, VariablesFor } from './config-document.ts';
import { faultAt } from './diagnostic.ts';
import { findHurtful } from './hurtful-yaml.ts';
import { findRange } from './node-range.ts';
import { NodeReader } from './node-reader.ts';
import { putVariablesIn } from './put-in.ts';
import { explainYamlError } from './yaml-fault.ts';

const MAX_YAML_FAULTS = 10;

/**
 * Text -> value with positions. One document of YAML 1.2 with text keys, no tags, no duplicate keys, at most 20 levels,
 * 10 000 values and 100 aliases; these bounds defuse files that are small and grow when read. Throws nothing.
 */
export function parseConfigDocument(source: SourceText, variables: VariablesFor): ConfigDocument {
  const hurtful = findHurtful(source.text);
  if (hurtful !== undefined) {
    return withFaults(unparsed(source), (document) => [
      faultAt(document, { start: hurtful.offset, end: hurtful.offset }, hurtful.message, undefined),
    ]);
  }
  const parsed = parse(source.text);
  const errors = [...parsed.errors, ...parsed.warnings];
  if (errors.length === 0) return toDocument(source, parsed, variables);
  return withFaults(unparsed(source), (document) =>
    errors.slice(0, MAX_YAML_FAULTS).map((error) => explainYamlError(document, error.code, error.pos)),
  );
}

function parse(text: string): Document.Parsed {
  // Duplicate keys are looked for in one pass by NodeReader: the library compares each key with each other key.
  return parseDocument(text, {
    version: '1.2',
    schema: 'core',
    stringKeys: true,
    uniqueKeys: false,
    prettyErrors: false,
    // Not `silent`: then a second document is passed over without a word. Nothing is printed here at any level.
    logLevel: 'error',
  });
}

function toDocument(source: SourceText, parsed: Document.Parsed, variables: VariablesFor): ConfigDocument {
  const { value, problems } = new NodeReader(parsed).read();
  const put = putVariablesIn(value, variables);
  const rangeOf = (path: ConfigPath, part: 'key' | 'value'): TextRange => findRange(parsed, path, part);
  const secretPaths = new Set(put.secretPaths.map((path) => JSON.stringify(path)));
  const document: ConfigDocument = {
    ...source,
    parsed: true,
    value: put.value,
    faults: [],
    secretRanges: put.secretPaths
      .map((path) => rangeOf(path, 'value'))
      .filter((range) => !isVariable(source.text, range)),
    secrets: put.secrets,
    rangeOf,
    isSecret: (path) => path.some((_, index) => secretPaths.has(JSON.stringify(path.slice(0, index + 1)))),
  };
  return withFaults(document, () => [
    ...problems.map(({ range, message, hint }) => faultAt(document, range, message, hint)),
    ...put.faults.map(({ path, expression, message, hint }) =>
      faultAt(document, findInside(source.text, rangeOf(path, 'value'), expression), message, hint),
    ),
  ]);
}

/** A variable without a default shows no secret, and helps to see what is missing. */
function isVariable(text: string, { start, end }: TextRange): boolean {
  return /^["']?\$\{\w+(?::?\?[^}]*)?\}["']?$/.test(text.slice(start, end));
}

function findInside(text: string, range: TextRange, expression: string | undefined): TextRange {
  const found = expression === undefined ? -1 : text.slice(range.start, range.end).indexOf(expression);
  return found < 0 ? range : { start: range.start + found, end: range.end };
}

function unparsed(source: SourceText): ConfigDocument {
  return {
    ...source,
    parsed: false,
    value: undefined,
    faults: [],
    secretRanges: [],
    secrets: [],
    rangeOf: () => ({ start: 0, end: 0 }),
    isSecret: () => true,
  };
}

function withFaults(document: ConfigDocument, explain: (document: ConfigDocument) => readonly Fault[]): ConfigDocument {
  return { ...document, faults: explain(document) };
}
