/**
 * Frames of PostgreSQL's wire protocol 3.0 (manual, chapter 54 "Frontend/Backend Protocol"): cutting a byte stream into
 * messages, and the few messages that orch writes itself.
 */

/** One message. `type` is undefined for the untyped messages that open a connection. */
export interface Frame {
  readonly type: string | undefined;
  /** The whole message, its type and length included. */
  readonly bytes: Buffer;
}

/** What a client sent cannot be a message, or is longer than what is taken. */
export class WireError extends Error {
  readonly sqlstate: string;

  constructor(sqlstate: string, message: string) {
    super(message);
    this.name = 'WireError';
    this.sqlstate = sqlstate;
  }
}

/** Bytes: PostgreSQL takes up to 1 GB; a development database in WebAssembly has no room for that. */
const longestMessage = 256 * 1024 * 1024;
/** Bytes, as in PostgreSQL (`MAX_STARTUP_PACKET_LENGTH`). */
const longestStartup = 10_000;

/** Cuts what one client sends into messages; the first ones have no type until `started` is called. */
export class FrameReader {
  #chunks: Buffer[] = [];
  #size = 0;
  #typed = false;

  /** From now on messages have a type. */
  started(): void {
    this.#typed = true;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#size += chunk.length;
  }

  /**
   * The next whole message, or undefined until more bytes came.
   * @throws WireError where the length is impossible or over the limit
   */
  next(): Frame | undefined {
    const offset = this.#typed ? 1 : 0;
    if (this.#size < offset + 4) return undefined;
    const head = this.#joined(offset + 4);
    const length = head.readInt32BE(offset);
    if (length < 4) throw new WireError('08P01', 'invalid message length');
    if (length > (this.#typed ? longestMessage : longestStartup)) {
      throw new WireError(this.#typed ? '54000' : '08P01', `a message of ${length} bytes is longer than what is taken`);
    }
    if (this.#size < offset + length) return undefined;
    const bytes = this.#take(offset + length);
    return { type: this.#typed ? String.fromCharCode(bytes[0] ?? 0) : undefined, bytes };
  }

  /** The buffered bytes as one buffer when the first chunk is too short for `size`; chunks of a long message are joined once. */
  #joined(size: number): Buffer {
    const first = this.#chunks[0] ?? Buffer.alloc(0);
    if (first.length >= size) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }

  #take(size: number): Buffer {
    const joined = this.#joined(size);
    this.#size -= size;
    if (joined.length > size) this.#chunks[0] = joined.subarray(size);
    else this.#chunks.shift();
    return joined.subarray(0, size);
  }
}

/** A typed message with this body. */
export function message(type: string, ...parts: readonly (Buffer | string)[]): Buffer {
  const body = parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part));
  const head = Buffer.alloc(5);
  head.write(type, 0, 'latin1');
  head.writeInt32BE(4 + body.reduce((sum, part) => sum + part.length, 0), 1);
  return Buffer.concat([head, ...body]);
}

/** Simple query. */
export function query(sql: string): Buffer {
  return message('Q', sql);
}

export const sync: Buffer = message('S');

/** Closes a named prepared statement. */
export function closeStatement(name: string): Buffer {
  return message('C', Buffer.from('S'), name);
}

/** An error as the server sends it (manual, 54.8 "Error and Notice Message Fields"). */
export function errorResponse(severity: 'ERROR' | 'FATAL', sqlstate: string, text: string, hint?: string): Buffer {
  const fields = [
    `S${severity}`,
    `V${severity}`,
    `C${sqlstate}`,
    `M${text}`,
    ...(hint === undefined ? [] : [`H${hint}`]),
  ];
  return message('E', ...fields, Buffer.from('\0'));
}

/** A 3.0 start-up packet of the superuser. */
export function startupPacket(parameters: Readonly<Record<string, string>>): Buffer {
  const texts = Object.entries(parameters).flatMap(([name, value]) => [`${name}\0`, `${value}\0`]);
  const body = Buffer.concat([int32(196_608), ...texts.map((text) => Buffer.from(text)), Buffer.from('\0')]);
  return Buffer.concat([int32(body.length + 4), body]);
}

/** BackendKeyData: the process id and secret that a client would send in a cancel request. */
export function backendKey(pid: number, secret: number): Buffer {
  return message('K', int32(pid), int32(secret));
}

/** Says that of protocol 3.x only 3.0 is spoken, and which options are unknown. */
export function negotiateVersion(unknownOptions: readonly string[]): Buffer {
  return message('v', int32(196_608), int32(unknownOptions.length), ...unknownOptions);
}

/** Four bytes, big end first. */
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

/** The messages in what the server sent; a cut last one is left out. */
export function* backendFrames(bytes: Buffer): Generator<Frame> {
  let offset = 0;
  while (offset + 5 <= bytes.length) {
    const end = offset + 1 + bytes.readInt32BE(offset + 1);
    if (end > bytes.length) return;
    yield { type: String.fromCharCode(bytes[offset] ?? 0), bytes: bytes.subarray(offset, end) };
    offset = end;
  }
}

/** The fields of an ErrorResponse or NoticeResponse by their letter. */
export function errorFields(frame: Buffer): ReadonlyMap<string, string> {
  const texts = frame.subarray(5).toString('utf8').split('\0');
  return new Map(texts.filter((text) => text !== '').map((text) => [text.slice(0, 1), text.slice(1)]));
}

/** The text values of a DataRow; null for SQL's NULL. */
export function rowValues(frame: Buffer): readonly (string | null)[] {
  const values: (string | null)[] = [];
  let offset = 7;
  for (let left = frame.readInt16BE(5); left > 0; left -= 1) {
    const length = frame.readInt32BE(offset);
    offset += 4;
    values.push(length < 0 ? null : frame.subarray(offset, offset + length).toString('utf8'));
    offset += Math.max(length, 0);
  }
  return values;
}

/** PGlite passes over a WebAssembly trap, such as a stack overflow; what is left of the session is then not to be used. */
export function endsReady(answer: Buffer): boolean {
  return answer.length >= 6 && answer.subarray(-6, -1).equals(readyHead);
}

const readyHead = Buffer.from('Z\0\0\0\x05', 'latin1');

/** The fields of the first error in what the server sent. */
export function findError(answer: Buffer): ReadonlyMap<string, string> | undefined {
  for (const frame of backendFrames(answer)) if (frame.type === 'E') return errorFields(frame.bytes);
  return undefined;
}
