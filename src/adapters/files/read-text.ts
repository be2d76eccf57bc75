import { isAscii, isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import type { Fault } from '../../core/fault.ts';
import { faultAt } from '../../core/sql/position.ts';
import { reasonOf } from './system-error.ts';

/** In bytes. */
export const SIZE_LIMIT = 64 * 1024 * 1024;

/**
 * A link that took the file's place after the folder was listed is refused, and a FIFO does not wait for a writer.
 * Windows has neither flag.
 */
export const OPEN_FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Reads a text file once: without BOM, with LF line ends. What is checked is what was opened, not what a name stood for.
 * Reads synchronously: for the small files of a revision folder that takes a fifth of the time of four round trips
 * through the thread pool each.
 * @param file a path without links
 * @param shown the path for messages
 */
export function readText(file: string, shown: string): string | Fault {
  try {
    const bytes = readBytes(file);
    return typeof bytes === 'string' ? wholeFault(shown, bytes) : decode(bytes, shown);
  } catch (error) {
    return wholeFault(shown, `cannot be read: ${reasonOf(error)}`);
  }
}

/** In bytes; 0 for what is no file, which `readText` tells more of. */
export function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** A fault of a file as a whole. */
export function wholeFault(file: string, message: string, hint?: string): Fault {
  return { file, line: undefined, column: undefined, message, source: undefined, hint };
}

/** The file's bytes, or what is wrong with it. */
function readBytes(file: string): Buffer | string {
  const descriptor = openSync(file, OPEN_FLAGS);
  try {
    const status = fstatSync(descriptor);
    if (!status.isFile()) return 'is no regular file';
    if (status.size > SIZE_LIMIT) return `is larger than ${SIZE_LIMIT / 1024 / 1024} MiB`;
    // Room for one byte more than there should be shows a file that is being written to.
    const buffer = Buffer.allocUnsafe(status.size + 1);
    let length = 0;
    for (let count = -1; count !== 0 && length < status.size; length += count) {
      count = readSync(descriptor, buffer, length, buffer.length - length, null);
    }
    return length === status.size ? buffer.subarray(0, length) : 'was written to while it was read';
  } finally {
    closeSync(descriptor);
  }
}

function decode(bytes: Buffer, shown: string): string | Fault {
  const hasMark = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
  const content = hasMark ? bytes.subarray(3) : bytes;
  if (!isUtf8(content)) return notUtf8(content, hasMark ? 3 : 0, shown);
  const text = isAscii(content) ? content.toString('latin1') : content.toString('utf8');
  // PostgreSQL cannot take the character U+0000 in any text (08P01 or 22021).
  const nul = text.indexOf('\0');
  if (nul >= 0)
    return { ...faultAt(shown, text, nul, 'a NUL character cannot stand in it', undefined), source: undefined };
  return text.includes('\r\n') ? text.replaceAll('\r\n', '\n') : text;
}

function notUtf8(bytes: Buffer, skipped: number, shown: string): Fault {
  const offset = firstInvalid(bytes);
  const before = bytes.subarray(0, offset).toString('latin1');
  const value = (bytes[offset] ?? 0).toString(16).padStart(2, '0').toUpperCase();
  return {
    file: shown,
    line: before.split('\n').length,
    column: undefined,
    message: `is not UTF-8: byte ${offset + skipped} (counted from 0) is 0x${value}`,
    source: undefined,
    hint: 'save it as UTF-8',
  };
}

/** Decoding puts U+FFFD where bytes are invalid; the first one that the file does not hold itself is the fault. */
function firstInvalid(bytes: Buffer): number {
  const text = bytes.toString('utf8');
  let offset = 0;
  let from = 0;
  for (let at = text.indexOf('\uFFFD'); at >= 0; at = text.indexOf('\uFFFD', from)) {
    offset += Buffer.byteLength(text.slice(from, at));
    if (bytes[offset] !== 0xef || bytes[offset + 1] !== 0xbf || bytes[offset + 2] !== 0xbd) return offset;
    offset += 3;
    from = at + 1;
  }
  return offset;
}
