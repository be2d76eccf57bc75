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
  /** Between two looks, and for one answer, in ms. */
  readonly period: number;
  /** Which of these backends the server has; undefined: it would not say. Rejects with nothing but a bug. */
  readonly backends: (
    location: Location,
    limit: number,
  ) => Promise<ReadonlyMap<number, string | undefined> | undefined>;
}

interface Entry {
  readonly session: Watched;
  readonly location: Location;
  readonly speaks: boolean;
  received: number;
  silent: boolean;
  /** Looks in which the server said that the backend waits for us, while we wait for it. */
  idle: number;
}

/** So many looks in a row must find the same before a session is given up. */
const MISSES = 2;

/**
 * Notices a server that is gone without a word. A statement may take hours, Node has no TCP_USER_TIMEOUT, and keepalives
 * neither run while something is unacknowledged nor see behind a proxy: a black-holed connection stays pending for ever
 * (V25). So, while a statement has been silent for a period, its server is asked over a new connection: first whether
 * anybody is there (an SSLRequest, which needs no login, no free place and no lock), then whether it knows the backend.
 */
export class Pulse {
  readonly #options: PulseOptions;
  readonly #entries = new Set<Entry>();
  readonly #misses = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #looking = false;

  constructor(options: PulseOptions) {
    this.#options = options;
  }

  /**
   * @param speaks the session holds a lock for whoever else asks: it shows now and then that it is alive
   * @returns what ends the watch
   */
  watch(session: Watched, location: Location, speaks: boolean): () => void {
    const entry: Entry = { session, location, speaks, received: session.received, silent: false, idle: 0 };
    this.#entries.add(entry);
    // Never keeps the process: what is awaited does.
    this.#timer ??= setInterval(() => void this.#look(), this.#options.period).unref();
    return () => {
      this.#entries.delete(entry);
      if (this.#entries.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  async #look(): Promise<void> {
    const silent: Entry[] = [];
    for (const entry of this.#entries) {
      const { session } = entry;
      const moved = session.received !== entry.received;
      entry.received = session.received;
      entry.silent = session.waits && !moved;
      if (entry.silent) silent.push(entry);
      else entry.idle = 0;
      if (!session.waits && entry.speaks) session.speak();
    }
    if (silent.length === 0) this.#misses.clear();
    if (silent.length === 0 || this.#looking) return;
    this.#looking = true;
    try {
      await Promise.all([...byAddress(silent)].map(([address, entries]) => this.#ask(address, entries)));
    } finally {
      this.#looking = false;
    }
  }

  async #ask(address: string, entries: readonly [Entry, ...Entry[]]): Promise<void> {
    const { location } = entries[0];
    const limit = this.#options.period;
    const refused = await answers(location, limit);
    if (refused !== undefined) {
      const misses = (this.#misses.get(address) ?? 0) + 1;
      this.#misses.set(address, misses);
      if (misses >= MISSES) this.#abandonAll(address, `the server does not answer any more: ${refused}`);
      return;
    }
    this.#misses.delete(address);
    const known = await this.#options.backends(location, limit);
    if (known !== undefined) for (const entry of entries) judge(entry, location, known);
  }

  /** Idle ones too: the lock's session is gone with the rest. */
  #abandonAll(address: string, reason: string): void {
    this.#misses.delete(address);
    for (const { session, location } of [...this.#entries])
      if (addressOf(location) === address) session.abandon(reason);
  }
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

/** Asks for TLS on a new connection, to which every PostgreSQL says a byte. @returns why there was no answer; undefined: there was */
async function answers({ host, port }: Location, limit: number): Promise<string | undefined> {
  const socket = host.startsWith('/') ? connect(`${host}/.s.PGSQL.${port}`) : connect(port, host);
  try {
    return await new Promise<string | undefined>((settle) => {
      socket.setTimeout(limit, () => settle(`no answer within ${limit} ms`));
      socket.once('connect', () => void socket.write(SSL_REQUEST));
      socket.once('data', () => settle(undefined));
      socket.on('error', (error) => settle(error.message));
      socket.once('close', () => settle('it ended the connection'));
    });
  } finally {
    socket.destroy();
  }
}
