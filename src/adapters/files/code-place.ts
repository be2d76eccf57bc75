import { pathToFileURL } from 'node:url';

/** What a loader threw, as a fault needs it. */
export interface CodePlace {
  readonly message: string;
  /** 1-based; undefined where the error does not tell. */
  readonly line: number | undefined;
  readonly column: number | undefined;
}

/**
 * Finds where in `file` an error came from. Loaders tell it in three ways:
 * Node's: a stack that begins with `file:///path?query:line`, then the line, then a caret below it;
 * jiti's: a message `ParseError: what⏎ path:line:column`, column from 0;
 * an error thrown by the module's own code: a stack with `path:line:column`.
 */
export function findCodePlace(file: string, error: unknown): CodePlace {
  if (!(error instanceof Error))
    return { message: `throws while it is loaded: ${String(error)}`, line: undefined, column: undefined };
  const isParseError = error.message.startsWith('ParseError:');
  const found = placePattern(file).exec(`${error.message}\n${error.stack ?? ''}`);
  const line = found?.[1] === undefined ? undefined : Number(found[1]);
  const column = found?.[2] === undefined ? caretColumn(error.stack ?? '') : Number(found[2]) + (isParseError ? 1 : 0);
  return { message: messageOf(error, isParseError), line, column: line === undefined ? undefined : column };
}

function placePattern(file: string): RegExp {
  const names = [pathToFileURL(file).href, file].map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`(?:${names.join('|')})(?:\\?[^:\\s]*)?:(\\d+)(?::(\\d+))?`);
}

/** Only the first line: what follows is the code or the path again. */
function messageOf(error: Error, isParseError: boolean): string {
  const first = error.message.split('\n', 1)[0]?.trim() ?? '';
  if (isParseError) return `is no valid TypeScript: ${first.replace(/^ParseError:\s*/, '')}`;
  if (error instanceof SyntaxError) return `is no valid TypeScript: ${first}`;
  return 'code' in error ? `cannot be loaded: ${first}` : `throws while it is loaded: ${error.name}: ${first}`;
}

function caretColumn(stack: string): number | undefined {
  const caret = /^( *)\^/m.exec(stack);
  return caret?.[1] === undefined ? undefined : caret[1].length + 1;
}
