import { mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A line of the product, and what stands there instead. */
interface Change {
  readonly file: string;
  readonly from: RegExp;
  /** As in `String.replace`. */
  readonly to: string | ((found: string) => string);
}

/** Programs with a fault built in, which the suite must find. The product itself has no switch for any of it. */
export const mutants = {
  'without the lock': [
    {
      file: 'src/adapters/postgres/polled-lock.ts',
      from: /if \(await tryLock\(session, key\)\) return undefined;/g,
      to: 'return undefined;',
    },
    {
      file: 'src/adapters/postgres/polled-lock.ts',
      from: /return rows\[0\]\?\.released === true;/g,
      to: 'return true;',
    },
  ],
  'with the ledger row outside the transaction': [
    {
      file: 'src/adapters/postgres/ledger-sql.ts',
      from: / RETURNING (?=\$\{IDENTITY_COLUMNS\})/g,
      to: '; COMMIT; BEGIN; SELECT ',
    },
    {
      file: 'src/adapters/postgres/ledger-sql.ts',
      // What stands there, and COMMIT, BEGIN and SELECT.
      from: /(?<=BEGIN_STATEMENTS = )\d+/g,
      to: (count) => String(Number(count) + 3),
    },
  ],
  'with statements recorded apart': [
    {
      file: 'src/core/sql/record-way.ts',
      from: /(?<=: )'together'(?=;\n\})/g,
      to: "'behind'",
    },
  ],
  'with blocking lock waits': [
    {
      file: 'src/adapters/postgres/polled-lock.ts',
      from: /pg_try_advisory_lock\(\$1::pg_catalog\.int8\)/g,
      to: () => 'pg_advisory_lock($1::pg_catalog.int8) IS NOT NULL',
    },
  ],
} as const satisfies Readonly<Record<string, readonly Change[]>>;

/**
 * Builds the program with one of these faults. @returns the path of its `main.js`, and what removes it
 * @throws Error where a line that is to be changed is not in the product any more
 */
export async function buildMutant(
  name: keyof typeof mutants,
): Promise<{ readonly program: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'orch-mutant-'));
  // Packages that are not bundled are found from there.
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'));
  const program = join(folder, 'main.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: ['src/start.ts'],
    outfile: program,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    external: ['pg-native', 'dockerode', 'listr2', 'execa', 'jiti', '@electric-sql/*'],
    banner: { js: 'const require = process.getBuiltinModule;' },
    logLevel: 'warning',
    plugins: [changing(mutants[name])],
  });
  return { program, remove: () => rm(folder, { recursive: true, force: true }) };
}

function changing(changes: readonly Change[]): Plugin {
  return {
    name: 'changing',
    setup({ onLoad }) {
      for (const file of new Set(changes.map((change) => change.file))) {
        onLoad({ filter: new RegExp(`${file.replaceAll(/[./]/g, '\\$&')}$`) }, async ({ path }) => {
          const before = await readFile(path, 'utf8');
          const own = changes.filter((change) => change.file === file);
          return { contents: own.reduce(changed, before), loader: 'ts' };
        });
      }
    },
  };
}

function changed(text: string, { file, from, to }: Change): string {
  if (text.match(from)?.length !== 1) throw new Error(`${file} does not have once: ${from}`);
  return typeof to === 'string' ? text.replace(from, to) : text.replace(from, to);
}
