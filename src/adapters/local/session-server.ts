import { randomInt } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { keepHouse } from './housekeeping.ts';
import { type Member, SessionQueue, type SharedSession } from './session-queue.ts';
import { UnitReader } from './session-unit.ts';
import { backendKey, errorResponse, FrameReader, message, negotiateVersion, WireError } from './wire-frames.ts';
import { parseStartup, type StartupRequest } from './wire-startup.ts';

/** How the shared session is served. */
export interface ServerOptions {
  /** The only database there is. */
  readonly database: string;
  /** Port to listen on if it is free; 0: any. */
  readonly port: number;
  /** ms that a client may leave a transaction open without a word, while others wait. */
  readonly idleInTransaction: number;
}

/** A running server. */
export interface SessionServer {
  readonly port: number;
  /** Ends every connection and stops listening. */
  close(): Promise<void>;
}

const host = '127.0.0.1';
/** Bytes of whole units that a client may send ahead before it is read from no further. */
const readAhead = 8 * 1024 * 1024;
/** ms */
const checkpointInterval = 60_000;
/** Maintenance databases that administrators' tools connect to: answered by the one database there is. */
const maintenance = new Set(['postgres', 'template1']);

/** Serves the session on a loopback port; rejects only where no port at all can be had. */
export async function serveSession(session: SharedSession, options: ServerOptions): Promise<SessionServer> {
  const queue = new SessionQueue(session, options.idleInTransaction);
  const sockets = new Set<Socket>();
  let clients = 0;
  let statements = 0;
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    clients += 1;
    const reader = new UnitReader(() => {
      statements += 1;
      return `orch_${statements}`;
    });
    new Connection(socket, queue, reader, { database: options.database, pid: clients });
  });
  const port = await listen(server, options.port);
  const stopHousekeeping = keepHouse(queue, checkpointInterval);
  return {
    port,
    close: () =>
      new Promise((resolve) => {
        stopHousekeeping();
        server.close(() => resolve());
        const farewell = errorResponse('FATAL', '57P01', 'terminating connection due to administrator command');
        for (const socket of sockets) socket.end(farewell, () => socket.destroy());
      }),
  };
}

/** Listens on the wanted port, or on any where that one is taken. */
async function listen(server: Server, wanted: number): Promise<number> {
  try {
    await listenOn(server, wanted);
  } catch (error) {
    if (wanted === 0) throw error;
    await listenOn(server, 0);
  }
  return (server.address() as AddressInfo).port;
}

function listenOn(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** One client: reads its messages into units for the queue, and sends it what comes back. */
class Connection implements Member {
  settings: Member['settings'] = { user: '', role: 'none', values: [] };
  readonly #socket: Socket;
  readonly #queue: SessionQueue;
  readonly #units: UnitReader;
  readonly #identity: { readonly database: string; readonly pid: number };
  readonly #frames = new FrameReader();
  #pending = 0;
  #joined = false;
  #ended = false;

  constructor(socket: Socket, queue: SessionQueue, units: UnitReader, identity: { database: string; pid: number }) {
    this.#socket = socket;
    this.#queue = queue;
    this.#units = units;
    this.#identity = identity;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('drain', () => queue.resume(this));
    // A reset connection is an ordinary way for a client to go; `close` follows.
    socket.on('error', () => socket.destroy());
    socket.on('end', () => this.#leave());
    socket.on('close', () => this.#leave());
  }

  send(bytes: Buffer): boolean {
    return this.#socket.writable ? this.#socket.write(bytes) : true;
  }

  end(): void {
    this.#ended = true;
    this.#socket.end();
  }

  statements(): readonly string[] {
    return this.#units.statements;
  }

  #leave(): void {
    this.#ended = true;
    if (this.#joined) this.#queue.leave(this);
    this.#socket.end();
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return;
    this.#frames.push(chunk);
    try {
      for (let frame = this.#frames.next(); frame !== undefined && !this.#ended; frame = this.#frames.next()) {
        if (frame.type === undefined) this.#open(parseStartup(frame.bytes));
        else if (frame.type === 'X') this.#leave();
        else this.#take(this.#units.take(frame));
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.send(errorResponse('FATAL', error.sqlstate, error.message));
      this.end();
    }
  }

  #take(unit: ReturnType<UnitReader['take']>): void {
    if (unit === undefined) return;
    this.#pending += unit.bytes.length;
    if (this.#pending > readAhead) this.#socket.pause();
    this.#queue.add(this, unit, () => {
      this.#pending -= unit.bytes.length;
      if (this.#pending <= readAhead && this.#socket.isPaused()) this.#socket.resume();
    });
  }

  #open(request: StartupRequest): void {
    // `N`: go on without encryption. A cancel request is dropped: WebAssembly runs a statement to its end.
    if (request.kind === 'encryption') this.#socket.write('N');
    else if (request.kind === 'cancel') this.end();
    else this.#login(request);
  }

  #login(request: Extract<StartupRequest, { kind: 'session' }>): void {
    if (request.database !== this.#identity.database && !maintenance.has(request.database)) {
      throw new WireError('3D000', `database "${request.database}" does not exist`);
    }
    this.#frames.started();
    const role = request.settings.findLast(([name]) => name === 'role')?.[1] ?? 'none';
    this.settings = { user: request.user, role, values: request.settings.filter(([name]) => name !== 'role') };
    if (request.newer) this.send(negotiateVersion(request.unknownOptions));
    this.#joined = true;
    this.#queue.join(this, () => {
      if (this.#ended) return;
      this.send(backendKey(this.#identity.pid, randomInt(2 ** 31 - 1)));
      this.send(message('Z', Buffer.from('I')));
    });
  }
}
