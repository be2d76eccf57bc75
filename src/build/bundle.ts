import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { build } from 'esbuild';
import { takeBuiltins } from './take-builtins.ts';

/**
 * Makes `dist/`: the program, the API and the PGlite worker as ES modules with the chunks they share.
 * Bundled, because Node spends more time on finding and opening the hundred files of `pg`, `yaml` and `commander`
 * than on running them; split, so that a command loads only what it needs.
 */
const { outputFiles } = await build({
  entryPoints: {
    main: 'src/start.ts',
    api: 'src/api.ts',
    'pglite-worker': 'src/adapters/local/pglite-worker.ts',
  },
  outdir: 'dist',
  write: false,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  sourcemap: true,
  sourcesContent: false,
  minifySyntax: true,
  minifyWhitespace: true,
  chunkNames: 'chunks/[name]-[hash]',
  // Packages with binaries, WASM or loaders of their own; and those that only rarely used commands load.
  external: ['pg-native', 'dockerode', 'listr2', 'execa', 'jiti', '@electric-sql/*'],
  // `pg` and `commander` are CommonJS and require Node's own modules, which an ES module has no `require` for.
  banner: { js: 'const require = process.getBuiltinModule;' },
  // `pg` makes a `Response` to find out whether it runs at Cloudflare: Node 20 loads all of undici for that.
  define: { Response: 'undefined' },
  logLevel: 'warning',
});

await rm('dist', { recursive: true, force: true });
for (const { path, text } of outputFiles) {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, path.endsWith('.js') ? takeBuiltins(text) : text);
}
await chmod('dist/main.js', 0o755);
for (const schema of ['orchestrator', 'service']) {
  await copyFile(`src/config/${schema}.schema.json`, `dist/${schema}.schema.json`);
}
