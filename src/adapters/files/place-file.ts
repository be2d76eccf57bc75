import { randomUUID } from 'node:crypto';
import { link, open, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** File systems without hard links (FAT, some shares) answer with these. */
const LINKLESS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EXDEV']);

/**
 * Puts a file with its whole content in place, or none: it is written beside its place under a name that no revision
 * folder reads, and then linked to its own, which fails where that name is taken (a rename would overwrite).
 * @param mode permissions, before the umask
 * @throws Error of the file system; EEXIST: there is such a file
 */
export async function placeFile(file: string, content: string | Buffer, mode = 0o666): Promise<void> {
  const draft = join(dirname(file), `.orch-${randomUUID()}.tmp`);
  try {
    await writeNew(draft, content, mode);
    await link(draft, file).catch(async (error: NodeJS.ErrnoException) => {
      if (!LINKLESS.has(error.code ?? '')) throw error;
      await writeWhole(file, content, mode);
    });
  } finally {
    await unlinkIfThere(draft);
  }
}

async function writeNew(file: string, content: string | Buffer, mode: number): Promise<void> {
  const handle = await open(file, 'wx', mode);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** What was begun here and broke off is ours to remove; a file that was there already is not. */
async function writeWhole(file: string, content: string | Buffer, mode: number): Promise<void> {
  try {
    await writeNew(file, content, mode);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') await unlinkIfThere(file);
    throw error;
  }
}

async function unlinkIfThere(file: string): Promise<void> {
  try {
    await unlink(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
