import { pathToFileURL } from 'node:url';
import { Failure } from '../../core/failure.ts';
import type { Fault } from '../../core/fault.ts';
import type { CodeText } from '../../core/revision.ts';
import type { RevisionFunction } from '../../ports/revision-store.ts';
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
  let module: object;
  try {
    module = await evaluate(code, natively);
  } catch (error) {
    throw new Failure('revision-invalid', { service, faults: [loadFault(code, shown, error)] }, { cause: error });
  }
  const found: unknown = Reflect.get(module, code.direction);
  if (typeof found === 'function') return found as RevisionFunction;
  throw new Failure('revision-invalid', { service, faults: [exportFault(code, shown, found)] });
}

async function evaluate(code: CodeText, natively: boolean): Promise<object> {
  if (natively) {
    try {
      const module = await evaluateNatively(code);
      if (module !== undefined) return module;
    } catch (error) {
      if (!isUnsupportedSyntax(error)) throw error;
    }
  }
  return await evaluateWithJiti(code);
}

/** Without jiti's caches: they are keyed by file, and write beside the project. */
async function evaluateWithJiti({ file, text }: CodeText): Promise<object> {
  const { createJiti } = await import('jiti');
  const jiti = createJiti(pathToFileURL(file).href, { fsCache: false, moduleCache: false, interopDefault: false });
  return (await jiti.evalModule(text, { id: file, filename: file, ext: '.ts', async: true })) as object;
}

function loadFault(code: CodeText, shown: string, error: unknown): Fault {
  const { message, line, column } = findCodePlace(code.file, error);
  const source = line === undefined ? undefined : code.text.split('\n', line)[line - 1];
  // jiti keeps lines as they are but not what is in them: a column of its own code may lie beyond the line.
  const isOfSource = column !== undefined && column <= (source?.length ?? 0) + 1;
  return { file: shown, line, column: isOfSource ? column : undefined, message, source, hint: undefined };
}

function exportFault({ direction }: CodeText, shown: string, found: unknown): Fault {
  const message =
    found === undefined ? `exports no function "${direction}"` : `exports "${direction}", which is no function`;
  const hint = `write \`export async function ${direction}(database) { … }\``;
  return { file: shown, line: undefined, column: undefined, message, source: undefined, hint };
}
