/** An import from one of Node's own modules, as esbuild writes it: of the whole, under a name, or of names. */
const IMPORT = /\bimport\s*(?:([\w$]+)|\*\s*as\s+([\w$]+)|\{([^{}]*)\})\s*from\s*"(node:[\w/]+)";/g;

/**
 * The text of a bundle in which Node's own modules are taken with `process.getBuiltinModule` instead of imported.
 *
 * For an import of its own module Node makes a facade that reads every export, also those that are loaded when they are
 * first read: `node:util` then loads worker_threads, `node:fs` its promises and watchers. That is a tenth of the time of
 * a command that finds nothing to do. Lines stay lines, for the source map.
 * @throws Error where an import is left that this doesn't know
 */
export function takeBuiltins(text: string): string {
  const taken = text.replace(IMPORT, (_, whole?: string, star?: string, names?: string, module?: string) => {
    const target = whole ?? star ?? `{${names?.replaceAll(/\s+as\s+/g, ': ')}}`;
    return `const ${target} = process.getBuiltinModule("${module}");`;
  });
  const left = /\bfrom\s*"node:[^\n]*/.exec(taken);
  if (left !== null) throw new Error(`the bundle still imports ${left[0]}`);
  return taken;
}
