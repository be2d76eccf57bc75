import { type Frame, message, WireError } from './wire-frames.ts';

/**
 * What a connection sends from one point of rest to the next: a simple query, or an extended-protocol sequence up to its
 * Sync or Flush. Between units another connection may run; inside one it must not, since the unnamed statement and
 * portal belong to the one session that all connections share.
 */
export interface Unit {
  readonly bytes: Buffer;
  /** `flush`: the sequence is still open, only the same connection may go on. */
  readonly ends: 'ready' | 'flush';
  /** The text can change settings of the session (SET, RESET, set_config, DISCARD). */
  readonly changesSettings: boolean;
  /** The text can be COPY … FROM STDIN. */
  readonly copiesIn: boolean;
}

/** The words that a client reads where COPY FROM STDIN is refused. */
export const copyRefusal = 'COPY FROM STDIN is not available in the local runtime';

/**
 * PGlite reads a COPY's data from the very call that runs the statement, and ends its process when there is none. So each
 * statement is followed by a CopyFail: read by COPY FROM STDIN as its refusal, passed over by everything else
 * (PostgreSQL's main loop ignores it, as after a COPY that failed early).
 */
const copyFail = message('f', copyRefusal);

const known = new Set(['Q', 'P', 'B', 'D', 'E', 'C', 'F', 'S', 'H', 'd', 'c', 'f', 'X']);

/** Makes units of one connection's messages, and keeps its prepared statements apart from those of others. */
export class UnitReader {
  readonly #nextName: () => string;
  readonly #names = new Map<string, string>();
  #frames: Buffer[] = [];
  #changesSettings = false;
  #copiesIn = false;

  /** @param nextName gives a statement name that no connection of the session has */
  constructor(nextName: () => string) {
    this.#nextName = nextName;
  }

  /** Names, in the session, of the statements that this connection may have prepared. */
  get statements(): readonly string[] {
    return [...this.#names.values()];
  }

  /**
   * Takes the next message; gives the unit that it completes.
   * @throws WireError for a message that no client may send here: PGlite would not survive it
   */
  take(frame: Frame): Unit | undefined {
    const type = frame.type ?? '';
    if (!known.has(type)) throw new WireError('08P01', `invalid frontend message type ${type.charCodeAt(0)}`);
    // Data of a COPY that was refused is still under way when the refusal is sent.
    if (type === 'd' || type === 'c' || type === 'f') return undefined;
    this.#frames.push(this.#ownNames(type, frame.bytes));
    if (type === 'Q' || type === 'P') this.#note(frame.bytes);
    if (type === 'Q' || type === 'E') this.#frames.push(copyFail);
    if (type === 'Q' || type === 'S' || type === 'F') return this.#finish('ready');
    return type === 'H' ? this.#finish('flush') : undefined;
  }

  #note(bytes: Buffer): void {
    const text = bytes.toString('latin1');
    if (/\b(?:set|reset|discard|set_config)\b/i.test(text)) this.#changesSettings = true;
    if (/\bcopy\b/i.test(text) && /\bstdin\b/i.test(text)) this.#copiesIn = true;
  }

  #finish(ends: Unit['ends']): Unit {
    const unit = {
      bytes: Buffer.concat(this.#frames),
      ends,
      changesSettings: this.#changesSettings,
      copiesIn: this.#copiesIn,
    };
    this.#frames = [];
    this.#changesSettings = false;
    this.#copiesIn = false;
    return unit;
  }

  #ownNames(type: string, bytes: Buffer): Buffer {
    if (type === 'P') return this.#renamed(bytes, 5);
    if (type === 'B') return this.#renamed(bytes, Math.max(bytes.indexOf(0, 5), 5) + 1);
    if ((type === 'D' || type === 'C') && bytes[5] === 'S'.charCodeAt(0)) return this.#renamed(bytes, 6);
    return bytes;
  }

  /** The message with the statement name at `start` replaced by the session's own name for it. */
  #renamed(bytes: Buffer, start: number): Buffer {
    const end = bytes.indexOf(0, start);
    if (end <= start) return bytes;
    const name = this.#sessionName(bytes.subarray(start, end).toString('latin1'));
    return message(
      bytes.subarray(0, 1).toString('latin1'),
      bytes.subarray(5, start),
      Buffer.from(name),
      bytes.subarray(end),
    );
  }

  #sessionName(name: string): string {
    const given = this.#names.get(name);
    if (given !== undefined) return given;
    const fresh = this.#nextName();
    this.#names.set(name, fresh);
    return fresh;
  }
}
