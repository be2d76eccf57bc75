import * as nodeModule from 'node:module';
import { features } from 'node:process';
import { pathToFileURL } from 'node:url';
import type { CodeText } from '../../core/revision.ts';

/** The part of `module.registerHooks` (Node 22.15, 23.5) that is used here; the types of Node 20 lack it. */
type RegisterHooks = (hooks: {
  resolve(specifier: string, context: object, nextResolve: (specifier: string, context: object) => object): object;
  load(url: string, context: object, nextLoad: (url: string, context: object) => object): object;
}) => { deregister(): void };

const { registerHooks } = nodeModule as unknown as { readonly registerHooks?: RegisterHooks };

/** True where this Node loads TypeScript by itself (from 22.18 and 23.6 on, unless switched off). */
export function canStripTypes(): boolean {
  const { typescript } = features as { readonly typescript?: unknown };
  return typeof typescript === 'string' && registerHooks !== undefined;
}

/** URLs of modules that were made of our text: Node asks for each only once. */
const served = new Set<string>();

/**
 * Imports the module through Node's own loader, with its text put in place of the file's: relative imports work as from
 * the file. The checksum in the URL keeps Node's module cache from answering with an older text.
 * Undefined: a host's loader (Vite's, in tests) took the import and read the file itself.
 */
export async function evaluateNatively({ file, text, checksum }: CodeText): Promise<object | undefined> {
  const url = `${pathToFileURL(file).href}?${encodeURIComponent(checksum)}`;
  const hooks = registerHooks?.({
    resolve(specifier, context, nextResolve) {
      // Node looks for the file, which may be gone: a down text comes from the ledger then.
      return specifier === url
        ? { url, format: 'module-typescript', shortCircuit: true }
        : nextResolve(specifier, context);
    },
    load(wanted, context, nextLoad) {
      if (wanted !== url) return nextLoad(wanted, context);
      served.add(url);
      return { format: 'module-typescript', source: text, shortCircuit: true };
    },
  });
  try {
    const module = (await import(url)) as object;
    return served.has(url) ? module : undefined;
  } finally {
    hooks?.deregister();
  }
}

/** True for TypeScript that is not only types, such as an enum: Node strips, it does not compile. */
export function isUnsupportedSyntax(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ERR_UNSUPPORTED_TYPESCRIPT_SYNTAX';
}
