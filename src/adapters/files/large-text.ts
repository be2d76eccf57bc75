import { isAscii, isUtf8 } from 'node:buffer';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { Failure } from '../../core/failure.ts';
import type { Fault } from '../../core/fault.ts';
import { TextChecksum } from './checksum.ts';
import { OPEN_FLAGS, wholeFault } from './read-text.ts';

/** Texts above this are not held in memory but read piece by piece, as often as they are needed; in bytes. */
export const LARGE = 1024 * 1024;

/** In bytes; also how far the head of such a file is looked for. */
const PIECE = 32 * 1024;

/** An SQL file that is not held in memory. */
export interface LargeText {
  /** The beginning of the text. */
  readonly head: string;
  /** Of the text, in UTF-16 units. */
  readonly length: number;
  readonly checksum: string;
  /** Without BOM, with LF line ends, in order. @throws Failure `revision-invalid` where the file is not what was hashed any more */
  pieces(): Iterable<string>;
  /** All of it, read anew. */
  readonly text: string;
}

/**
 * Reads a large file once, for its checksum and for faults of its encoding; every later reading is checked to give the
 * very text that was hashed.
 * @param shown the path for messages
 * @throws Error of the file system
 */
export function readLargeText(file: string, shown: string, service: string): LargeText | Fault {
  const checksum = new TextChecksum();
  let head: string | undefined;
  let length = 0;
  for (const piece of readPieces(file)) {
    if (!isUtf8(piece)) return wholeFault(shown, 'is not UTF-8', 'save it as UTF-8');
    if (piece.includes(0)) return wholeFault(shown, 'a NUL character cannot stand in it');
    head ??= decode(piece);
    length += isAscii(piece) ? piece.length : decode(piece).length;
    checksum.update(piece);
  }
  const expected = checksum.digest();
  const pieces = (): Iterable<string> => checkedPieces(file, shown, service, expected);
  return {
    head: head ?? '',
    length,
    checksum: expected,
    pieces,
    get text() {
      return [...pieces()].join('');
    },
  };
}

function* checkedPieces(file: string, shown: string, service: string, expected: string): Generator<string> {
  const checksum = new TextChecksum();
  for (const piece of readPieces(file)) {
    checksum.update(piece);
    yield decode(piece);
  }
  if (checksum.digest() === expected) return;
  throw new Failure('revision-invalid', { service, faults: [wholeFault(shown, 'was changed while it was being run')] });
}

/**
 * A file in pieces, without BOM and with LF line ends; each piece is written over by the next. Never cuts a character or a
 * CRLF in two.
 */
function* readPieces(file: string): Generator<Buffer> {
  const descriptor = openSync(file, OPEN_FLAGS);
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.allocUnsafe(PIECE);
    let kept = 0;
    let isFirst = true;
    for (let read = 0; read < size; ) {
      const count = readSync(descriptor, buffer, kept, PIECE - kept, null);
      if (count === 0) break;
      read += count;
      const filled = kept + count;
      const end = read >= size ? filled : wholeEnd(buffer, filled);
      yield withLineFeeds(buffer.subarray(isFirst && hasMark(buffer) ? 3 : 0, end));
      buffer.copyWithin(0, end, filled);
      kept = filled - end;
      isFirst = false;
    }
  } finally {
    closeSync(descriptor);
  }
}

function hasMark(bytes: Buffer): boolean {
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf;
}

/** Where the last whole character ends that is no carriage return. */
function wholeEnd(bytes: Buffer, filled: number): number {
  let end = filled;
  // A character has up to three bytes behind its first, which all begin with the bits 10.
  for (let back = 1; back <= 4; back += 1) {
    const byte = bytes[filled - back] ?? 0;
    if (byte >= 0xc0) end = filled - back;
    if (byte < 0x80 || byte >= 0xc0) break;
  }
  return bytes[end - 1] === 0x0d && end > 1 ? end - 1 : end;
}

function withLineFeeds(bytes: Buffer): Buffer {
  if (!bytes.includes('\r\n')) return bytes;
  return Buffer.from(bytes.toString('latin1').replaceAll('\r\n', '\n'), 'latin1');
}

function decode(bytes: Buffer): string {
  return isAscii(bytes) ? bytes.toString('latin1') : bytes.toString('utf8');
}
