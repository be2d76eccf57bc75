import type { Socket } from 'node:net';

/** In UTF-16 units. */
const CHUNK = 32 * 1024;
/** Letters of the protocol: CopyData, CopyDone. */
const COPY_DATA = 0x64;
const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

/**
 * Writes the data of a COPY, never more ahead than the socket takes.
 * @param isRefused true once the server has answered with an error: it reads the rest without looking at it
 */
export async function writeRows(stream: Socket, rows: Iterable<string>, isRefused: () => boolean): Promise<void> {
  const buffer = Buffer.allocUnsafe(5 + 3 * CHUNK);
  buffer[0] = COPY_DATA;
  for (const piece of rows) {
    // The rest is read all the same: whoever gives the rows goes on behind them.
    for (let from = 0; from < piece.length && !isRefused() && !stream.destroyed; ) {
      // Not between the two halves of a character beyond U+FFFF.
      const to = from + CHUNK - (isHighSurrogate(piece.charCodeAt(from + CHUNK - 1)) ? 1 : 0);
      const length = buffer.write(piece.slice(from, to), 5, 'utf8');
      buffer.writeInt32BE(4 + length, 1);
      await written(stream, buffer.subarray(0, 5 + length));
      from = to;
    }
  }
  if (!isRefused() && !stream.destroyed) stream.write(copyDone);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** Resolves once the bytes are with the system, so that their buffer is free; or once the connection is gone, which its answer tells. */
async function written(stream: Socket, bytes: Buffer): Promise<void> {
  await new Promise<void>((resolve) => {
    const done = (): void => {
      stream.off('close', done);
      resolve();
    };
    stream.once('close', done);
    stream.write(bytes, done);
  });
}
