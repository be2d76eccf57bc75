import { copyFile, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

/**
 * Makes `dist/`: the program, the API and the PGlite worker as ES modules with the chunks they share.
 * Bundled, because Node spends more time on finding and opening the hundred files of `pg`, `yaml` and `commander`
 * than on running them; split, so that a command loads only what it needs.
 */
const { metafile } = await build({
  entryPoints: {
    main: 'src/main.ts',
    api: 'src/api.ts',
    'pglite-worker': 'src/adapters/local/pglite-worker.ts',
  },
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  minifySyntax: true,
  chunkNames: 'chunks/[name]-[hash]',
  // Packages with binaries, WASM or loaders of their own; and those that only rarely used commands load.
  external: ['pg-native', 'dockerode', 'listr2', 'execa', 'jiti', '@electric-sql/*'],
  // `pg` is CommonJS and requires Node's own modules, which an ES module has no `require` for.
  banner: {
    js: "import { createRequire as orchRequire } from 'node:module'; const require = orchRequire(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
});
// Removed last, not first: a program that was started meanwhile still finds the chunks that it names.
const made = new Set(Object.keys(metafile.outputs));
for (const name of await readdir('dist/chunks')) {
  const file = join('dist', 'chunks', name);
  if (!made.has(file)) await rm(file);
}
for (const schema of ['orchestrator', 'service']) {
  await copyFile(`src/config/${schema}.schema.json`, `dist/${schema}.schema.json`);
}
