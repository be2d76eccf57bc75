import { lstat, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { TemplateFile } from '../../core/authoring/built-in-templates.ts';
import { Failure } from '../../core/failure.ts';
import type { Authoring, FileMove, NewFile } from '../../ports/authoring.ts';
import { placeFile } from './place-file.ts';
import { readText } from './read-text.ts';
import { reasonOf } from './system-error.ts';

/** What of `Authoring` concerns files. */
export const revisionWriter: Pick<Authoring, 'findTemplate' | 'write' | 'move'> = {
  findTemplate,
  write: (files) => allOrNothing((undo) => writeAll(files, undo)),
  move: (moves) => allOrNothing((undo) => moveAll(moves, undo)),
};

async function findTemplate(folder: string | undefined, name: TemplateFile): Promise<NewFile | undefined> {
  if (folder === undefined) return undefined;
  const file = join(folder, name);
  try {
    await lstat(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw notWritten(file, error);
  }
  const text = readText(file, file);
  if (typeof text === 'string') return { file, text };
  throw new Failure('config-invalid', { faults: [text] });
}

type Undo = () => Promise<void>;

/** Takes back, last first, what was done before the failure. */
async function allOrNothing(work: (undo: Undo[]) => Promise<void>): Promise<void> {
  const undo: Undo[] = [];
  try {
    await work(undo);
  } catch (error) {
    for (const step of undo.reverse()) await step();
    throw error;
  }
}

async function writeAll(files: readonly NewFile[], undo: Undo[]): Promise<void> {
  for (const { file, text } of files) {
    await orNotWritten(file, () => placeFile(file, text));
    undo.push(() => unlink(file));
  }
}

/** Every file is in its new place before the first one leaves its old one: nothing is lost whenever it breaks off. */
async function moveAll(moves: readonly FileMove[], undo: Undo[]): Promise<void> {
  const contents: { readonly from: string; readonly content: Buffer; readonly mode: number }[] = [];
  for (const { from, to, edit } of moves) {
    const { content, mode } = await orNotWritten(from, () => readRegular(from));
    contents.push({ from, content, mode });
    await orNotWritten(to, () => placeFile(to, editBytes(content, edit), mode));
    undo.push(() => unlink(to));
  }
  for (const { from, content, mode } of contents) {
    await orNotWritten(from, () => unlink(from));
    undo.push(() => placeFile(from, content, mode));
  }
}

async function readRegular(file: string): Promise<{ readonly content: Buffer; readonly mode: number }> {
  const status = await lstat(file);
  if (!status.isFile()) throw Object.assign(new Error('it is a link; move what it leads to'), { code: 'ELINK' });
  return { content: await readFile(file), mode: status.mode & 0o777 };
}

/** The BOM is no part of the text that is edited, and comes back. */
function editBytes(content: Buffer, edit: FileMove['edit']): Buffer {
  const text = content.toString('utf8');
  const mark = text.startsWith('\uFEFF') ? '\uFEFF' : '';
  return Buffer.from(mark + edit(text.slice(mark.length)), 'utf8');
}

async function orNotWritten<T>(file: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw notWritten(file, error);
  }
}

function notWritten(file: string, error: unknown): Failure<'file-not-written'> {
  const exists = (error as NodeJS.ErrnoException).code === 'EEXIST';
  const reason = exists ? 'there is such a file already' : reasonOf(error);
  return new Failure('file-not-written', { file, reason, exists }, { cause: error });
}
