#!/usr/bin/env node
import * as nodeModule from 'node:module';
import { join } from 'node:path';

/** From Node 22.1 on; the types of Node 20 lack it. */
const { enableCompileCache } = nodeModule as unknown as { readonly enableCompileCache?: (folder: string) => unknown };

/**
 * Where Node may keep what it has compiled, for the next start. Below the user's own folder: Node's default is one in
 * the folder for temporary files, where another user could have put code in its place.
 */
function cacheFolder({ XDG_CACHE_HOME, HOME }: typeof process.env): string | undefined {
  if (XDG_CACHE_HOME) return join(XDG_CACHE_HOME, 'orch');
  return HOME ? join(HOME, '.cache', 'orch') : undefined;
}

const folder = cacheFolder(process.env);
// Throws nothing: where the folder cannot be written, nothing is kept. NODE_DISABLE_COMPILE_CACHE=1 switches it off.
if (folder !== undefined) enableCompileCache?.(folder);
// Imported only now: what is imported above was compiled without the cache.
await import('./main.ts');
