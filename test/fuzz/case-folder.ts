import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Entry, FuzzCase } from './fuzz-case.ts';

/** In a file outside the project: what must not be in any output. */
export const OUTSIDE = 'canary-outside-7f3a';

/** A folder with one case's project in it, and next to it what orch must neither read nor change. */
export class CaseFolder {
  readonly project: string;
  readonly #base: string;

  /** @param base an absolute folder, made anew */
  constructor(base: string) {
    this.#base = base;
    this.project = join(base, 'project');
    rmSync(base, { recursive: true, force: true });
    mkdirSync(join(base, 'outside/revisions'), { recursive: true });
    writeFileSync(
      join(base, 'outside/revisions/001_secret.up.sql'),
      `-- orch:parents ${OUTSIDE}\nSELECT '${OUTSIDE}';\n`,
    );
  }

  /** Puts the case's files in the place of those of the case before. */
  fill({ entries }: FuzzCase): void {
    rmSync(this.project, { recursive: true, force: true });
    for (const [path, entry] of entries) put(join(this.project, path), entry);
  }

  /** Paths of all that is there, sorted; those that the case brought alone where nothing was written. */
  list(): readonly string[] {
    return (readdirSync(this.#base, { recursive: true }) as string[]).sort();
  }
}

function put(path: string, entry: Entry): void {
  mkdirSync(entry === 'folder' ? path : dirname(path), { recursive: true });
  if (entry === 'folder') return;
  if (entry === 'fifo') execFileSync('mkfifo', [path]);
  else if (Buffer.isBuffer(entry)) writeFileSync(path, entry);
  else symlinkSync(entry.link, path);
}
