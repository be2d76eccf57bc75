import type { ErrorCode } from 'yaml';
import type { Fault } from '../core/fault.ts';
import type { ConfigDocument } from './config-document.ts';
import { faultAt } from './diagnostic.ts';

/** The library's own texts quote the file, which may hold a secret; these do not. */
const WORDS: Readonly<Partial<Record<ErrorCode, string>>> = {
  ALIAS_PROPS: 'an alias (*name) cannot have an anchor or a tag of its own',
  BAD_ALIAS: 'an alias (*name) without a name, or with a name that is not taken',
  BAD_COLLECTION_TYPE: 'a tag that does not fit its value',
  BAD_DIRECTIVE: 'a line that begins with % is not understood',
  BAD_DQ_ESCAPE: 'a backslash in double quotes that is no escape known to YAML',
  BAD_INDENT: 'the indentation does not fit the lines around it',
  BAD_PROP_ORDER: 'an anchor or tag in the wrong place',
  BAD_SCALAR_START: 'a value cannot begin with this character unless it is in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a second key on one line, or a value with ": " that is not in quotes',
  BLOCK_IN_FLOW: 'a block cannot stand inside { } or [ ]',
  KEY_OVER_1024_CHARS: 'a key longer than 1024 characters',
  MISSING_CHAR: 'something is missing here, such as a closing quote, bracket or colon',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line and have a colon after it',
  MULTIPLE_ANCHORS: 'two anchors on one value',
  MULTIPLE_DOCS: 'a second document (---): a file holds one',
  MULTIPLE_TAGS: 'two tags on one value',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab in the indentation: YAML takes spaces only',
  TAG_RESOLVE_FAILED: 'a tag such as !name is not taken',
  UNEXPECTED_TOKEN: 'this cannot stand here',
};

const HINTS: Readonly<Partial<Record<ErrorCode, string>>> = {
  BLOCK_AS_IMPLICIT_KEY: 'Put the value in quotes.',
  BAD_DQ_ESCAPE: "Write \\\\ for a backslash, or use single quotes: '…'.",
  BAD_SCALAR_START: "Put the value in quotes: '…'.",
};

/** An error of the YAML library as a fault. */
export function explainYamlError(
  document: ConfigDocument,
  code: ErrorCode,
  position: readonly [number, number],
): Fault {
  const [start, end] = position;
  const lineStart = document.text.lastIndexOf('\n', start - 1) + 1;
  const isVariableInBraces = /[{[].*\$\{/.test(document.text.slice(lineStart, start + 2));
  const hint = isVariableInBraces ? 'Inside { } and [ ], put a value with ${…} in quotes.' : HINTS[code];
  return faultAt(document, { start, end }, WORDS[code] ?? 'this is not YAML', hint);
}
