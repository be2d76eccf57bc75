import { pathToFileURL } from 'node:url';
import { Failure } from '../../core/failure.ts';
import type { Fault } from '../../core/fault.ts';
import type { CodeText } from '../../core/revision.ts';
import { RevisionCodeError, type RevisionFunction } from '../../ports/revision-store.ts';
import { findCodePlace } from './code-place.ts';
import { canStripTypes, evaluateNatively, isUnsupportedSyntax } from './native-typescript.ts';

export interface CodeOptions {
  /** For messages. */
  readonly service: string;
  /** The file's path as shown. */
  readonly shown: string;
  /** False: not through Node's own TypeScript; undefined: where Node has it. */
  readonly natively?: boolean | undefined;
}

/**
 * Evaluates a TypeScript revision and gives the function of its direction.
 * The module is made of `code.text`, never of what the file holds by now: what was hashed is what runs. (Files that it
 * imports are read by the loader and are not part of the checksum.)
 * Node strips the types itself where it can, which takes a few ms; jiti does it elsewhere, and for what Node cannot
 * strip (enums, namespaces), so that a revision means the same on every Node.
 * @throws Failure `revision-invalid` where the module cannot be loaded or lacks the function
 */
export async function loadFunction(
  code: CodeText,
  { service, shown, natively = canStripTypes() }: CodeOptions,
): Promise<RevisionFunction> {
  let evaluated: { readonly module: object; readonly exact: boolean };
  try {
    evaluated = await evaluate(code, natively);
  } catch (error) {
    throw notLoaded(service, loadFault(code, shown, error), error);
  }
  const found: unknown = Reflect.get(evaluated.module, code.direction);
  if (typeof found === 'function') return withPlace(code, found as RevisionFunction, evaluated.exact);
  throw new Failure('revision-invalid', { service, faults: [exportFault(code, shown, found)] });
}

function notLoaded(service: string, fault: Fault, cause: unknown): Failure<'revision-invalid'> {
  return new Failure('revision-invalid', { service, faults: [fault] }, { cause });
}

/** @param exact false: lines are those of the source, columns are not */
function withPlace(code: CodeText, run: RevisionFunction, exact: boolean): RevisionFunction {
  return async (database) => {
    try {
      await run(database);
    } catch (error) {
      throw placed(error, code, exact);
    }
  };
}

function placed(error: unknown, code: CodeText, exact: boolean): RevisionCodeError {
  const { line, column } = findCodePlace(code.file, error);
  return new RevisionCodeError(error, { line, ...sourceAt(code, line, exact ? column : undefined) });
}

/** jiti keeps lines as they are but not what is in them: a column of its own code may lie beyond the line. */
function sourceAt(code: CodeText, line: number | undefined, column: number | undefined) {
  const source = line === undefined ? undefined : code.text.split('\n', line)[line - 1];
  return { source, column: column !== undefined && column <= (source?.length ?? 0) + 1 ? column : undefined };
}

async function evaluate(
  code: CodeText,
  natively: boolean,
): Promise<{ readonly module: object; readonly exact: boolean }> {
  if (natively) {
    try {
      const module = await evaluateNatively(code);
      if (module !== undefined) return { module, exact: true };
    } catch (error) {
      if (!isUnsupportedSyntax(error)) throw error;
    }
  }
  return { module: await evaluateWithJiti(code), exact: false };
}

/** Without jiti's caches: they are keyed by file, and write beside the project. */
async function evaluateWithJiti({ file, text }: CodeText): Promise<object> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(pathToFileURL(file).href, { fsCache: false, moduleCache: false, interopDefault: false });
  return (await jiti.evalModule(text, { id: file, filename: file, ext: '.ts', async: true })) as object;
}

function loadFault(code: CodeText, shown: string, error: unknown): Fault {
  const { message, line, column } = findCodePlace(code.file, error);
  return { file: shown, line, ...sourceAt(code, line, column), message, hint: undefined };
}

function exportFault({ direction }: CodeText, shown: string, found: unknown): Fault {
  const message =
    found === undefined ? `exports no function "${direction}"` : `exports "${direction}", which is no function`;
  const hint = `write \`export async function ${direction}(database) { … }\``;
  return { file: shown, line: undefined, column: undefined, message, source: undefined, hint };
}
