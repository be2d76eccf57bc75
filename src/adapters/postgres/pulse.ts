import { connect } from 'node:net';
import type { Location } from '../../ports/database.ts';

/** What is asked of a session that is watched. */
export interface Watched {
  readonly pid: number;
  /** True: a statement was sent, and its answer has not ended. */
  readonly waits: boolean;
  /** Bytes that the server has sent so far: a server that sends is there. */
  readonly received: number;
  /** Gives the session up: whatever waits for it fails at once. */
  abandon(reason: string): void;
  /** Sends something that asks nothing, so that others see that this orch is there; never throws. */
  speak(): void;
}

export interface PulseOptions {
  /**
   * In ms: how long a statement is silent before its server is asked, from one question to the next, and how long an
   * answer may take.
   */
  readonly period: number;
  /** Which of these backends the server has; undefined: it would not say. Rejects with nothing but a bug. */
  readonly backends: (
    location: Location,
    limit: number,
  ) => Promise<ReadonlyMap<number, string | undefined> | undefined>;
}

interface Misses {
  readonly count: number;
  /** Bytes that the server's sessions had received when the first of these questions was asked. */
  readonly heard: number;
}

interface Entry {
  readonly session: Watched;
  readonly location: Location;
  readonly speaks: boolean;
  received: number;
  /** Looks without a byte of the answer that it waits for. */
  silent: number;
  /** Answers in which the server said that the backend waits for us, while we wait for it. */
  idle: number;
}

/** So many answers in a row must say the same before a session is given up. */
const MISSES = 2;
/** Looks in a period: a look costs nothing, and whatever is due is late by no more than one. */
const LOOKS = 5;

/**
 * Notices a server that is gone without a word. A statement may take hours, Node has no TCP_USER_TIMEOUT, and keepalives
 * neither run while something is unacknowledged nor see behind a proxy: a black-holed connection stays pending for ever
 * (V25). So, while a statement has been silent for a period, its server is asked over a new connection: first whether
 * anybody is there (an SSLRequest, which needs no login, no free place and no lock), then whether it knows the backend.
 * With a period of 5 s a server that falls silent in a statement is given up 10 to 16 s later: never for a pause of less
 * than 10 s, as of a machine that is moved while it runs, and each of two questions has the time for two lost packets
 * (TCP sends the third 3 s after the first).
 */
export class Pulse {
  readonly #options: PulseOptions;
  readonly #entries = new Set<Entry>();
  readonly #misses = new Map<string, Misses>();
  /** By address: looks since its last question began. */
  readonly #asked = new Map<string, number>();
  readonly #asking = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #looks = 0;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /**
   * @param speaks the session holds a lock for whoever else asks: it shows now and then that it is alive
   * @returns what ends the watch
   */
  watch(session: Watched, location: Location, speaks: boolean): () => void {
    const entry: Entry = { session, location, speaks, received: session.received, silent: 0, idle: 0 };
    this.#entries.add(entry);
    // Never keeps the process: what is awaited does.
    this.#timer ??= setInterval(() => this.#look(), this.#options.period / LOOKS).unref();
    return () => {
      this.#entries.delete(entry);
      if (this.#entries.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  #look(): void {
    this.#looks += 1;
    const isTime = this.#looks % LOOKS === 0;
    const entries = [...this.#entries];
    for (const entry of entries) lookAt(entry);
    for (const { session, speaks } of entries) if (isTime && speaks && !session.waits) session.speak();
    const silent = entries.filter((entry) => entry.silent >= LOOKS);
    for (const [address, looks] of this.#asked) this.#asked.set(address, looks + 1);
    if (silent.length === 0) this.#misses.clear();
    for (const [address, group] of byAddress(silent)) {
      if (this.#asking.has(address) || (this.#asked.get(address) ?? LOOKS) < LOOKS) continue;
      this.#asking.add(address);
      void this.#ask(address, group).finally(() => this.#asking.delete(address));
    }
  }

  async #ask(address: string, entries: readonly [Entry, ...Entry[]]): Promise<void> {
    const { location } = entries[0];
    const limit = this.#options.period;
    this.#asked.set(address, 0);
    const heard = this.#heardFrom(address);
    const refused = await answers(location, limit);
    if (refused !== undefined) {
      const missed = this.#misses.get(address);
      // A server that takes no new connection, and yet says something on another one, is there.
      const misses = missed?.heard === this.#heardFrom(address) ? missed.count + 1 : 1;
      this.#misses.set(address, { count: misses, heard: misses === 1 ? heard : (missed?.heard ?? heard) });
      if (misses >= MISSES) this.#abandonAll(address, `the server does not answer any more: ${refused.reason}`);
      // A period has gone by without an answer: the next question is due at once.
      else if (refused.late && missed === undefined) await this.#ask(address, entries);
      return;
    }
    this.#misses.delete(address);
    const known = await this.#options.backends(location, limit);
    if (known !== undefined) for (const entry of entries) judge(entry, location, known);
  }

  #heardFrom(address: string): number {
    let bytes = 0;
    for (const { session, location } of this.#entries) if (addressOf(location) === address) bytes += session.received;
    return bytes;
  }

  /** Idle ones too: the lock's session is gone with the rest. */
  #abandonAll(address: string, reason: string): void {
    this.#misses.delete(address);
    for (const { session, location } of [...this.#entries])
      if (addressOf(location) === address) session.abandon(reason);
  }
}

function lookAt(entry: Entry): void {
  const { session } = entry;
  const moved = session.received !== entry.received;
  entry.received = session.received;
  entry.silent = session.waits && !moved ? entry.silent + 1 : 0;
  if (entry.silent === 0) entry.idle = 0;
}

function judge(entry: Entry, asked: Location, known: ReadonlyMap<number, string | undefined>): void {
  const { session, location } = entry;
  // Answered meanwhile.
  if (!session.waits || session.received !== entry.received) return;
  const state = known.get(session.pid);
  const waitsForUs = location.role === asked.role && state?.startsWith('idle') === true;
  entry.idle = !known.has(session.pid) || waitsForUs ? entry.idle + 1 : 0;
  if (entry.idle < MISSES) return;
  session.abandon(
    known.has(session.pid)
      ? 'the server has answered, but the answer did not come through'
      : 'the server does not know this session any more',
  );
}

function byAddress(entries: readonly Entry[]): ReadonlyMap<string, [Entry, ...Entry[]]> {
  const groups = new Map<string, [Entry, ...Entry[]]>();
  for (const entry of entries) {
    const group = groups.get(addressOf(entry.location));
    if (group === undefined) groups.set(addressOf(entry.location), [entry]);
    else group.push(entry);
  }
  return groups;
}

function addressOf({ host, port }: Location): string {
  return `${host}:${port}`;
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

interface NoAnswer {
  readonly reason: string;
  /** All the time that an answer may take has gone by. */
  readonly late: boolean;
}

/** Asks for TLS on a new connection, to which every PostgreSQL says a byte. @returns why there was no answer; undefined: there was */
async function answers({ host, port }: Location, limit: number): Promise<NoAnswer | undefined> {
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  try {
    return await new Promise<NoAnswer | undefined>((settle) => {
      // An answer that came while this process was busy is read before its lateness counts: timers go first.
      const late = { reason: `no answer within ${limit} ms`, late: true };
      socket.setTimeout(limit, () => setImmediate(() => settle(late)));
      socket.once('connect', () => void socket.write(SSL_REQUEST));
      socket.once('data', () => settle(undefined));
      socket.on('error', (error) => settle({ reason: error.message, late: false }));
      socket.once('close', () => settle({ reason: 'it ended the connection', late: false }));
    });
  } finally {
    socket.destroy();
  }
}
