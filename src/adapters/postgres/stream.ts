import { once } from 'node:events';
import { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { DatabaseError, type Location } from '../../ports/database.ts';
import type { Encryption } from './tls.ts';

/** A connection over which PostgreSQL's start-up can begin: plain, or with TLS done. */
export interface OpenStream {
  readonly stream: Socket;
  /** Ends it at once, whatever it waits for. */
  destroy(reason?: Error): void;
}

const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/**
 * Connects and negotiates TLS.
 * @param signal its reason is thrown when it is aborted
 * @throws Error of the network or of TLS, DatabaseError where the server has no TLS but must
 */
export async function openStream(location: Location, encryption: Encryption, signal: AbortSignal): Promise<OpenStream> {
  const socket = new Socket();
  // Whoever waits hears the error as well; below TLS nobody else listens, and an unheard one would end the process.
  socket.on('error', () => undefined);
  const abort = (): void => void socket.destroy(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    signal.throwIfAborted();
    await connectSocket(socket, location);
    const stream = encryption.asks ? await negotiate(socket, encryption) : socket;
    return { stream: alreadyConnected(stream), destroy: (reason) => destroyBoth(stream, socket, reason) };
  } catch (error) {
    socket.destroy();
    signal.throwIfAborted();
    throw error;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

function destroyBoth(stream: Socket, socket: Socket, reason: Error | undefined): void {
  stream.destroy(reason);
  socket.destroy();
}

async function connectSocket(socket: Socket, { host, port }: Location): Promise<void> {
  const connected = once(socket, 'connect');
  if (host.startsWith('/')) socket.connect(`${host}/.s.PGSQL.${port}`);
  else socket.connect(port, host);
  await connected;
  socket.setNoDelay(true);
  // A server that vanished is noticed while the session is idle; while a statement runs, Node offers no
  // TCP_USER_TIMEOUT, so a black-holed connection stays pending (V25): a second connection would have to ask.
  socket.setKeepAlive(true, 10_000);
}

async function negotiate(socket: Socket, encryption: Encryption): Promise<Socket> {
  socket.write(SSL_REQUEST);
  const answer = await readAnswer(socket);
  if (answer.length === 1 && answer[0] === 0x53) return await handshake(socket, encryption);
  if (answer.length === 1 && answer[0] === 0x4e) {
    if (!encryption.must) return socket;
    throw new DatabaseError('the server has no TLS, but sslmode asks for it', { sqlstate: '08001', connection: true });
  }
  // More than one byte would be bytes that an attacker put before the handshake (CVE-2021-23222).
  throw new DatabaseError('what answers there is no PostgreSQL server', { sqlstate: '08P01', connection: true });
}

async function readAnswer(socket: Socket): Promise<Buffer> {
  return await new Promise((resolve, reject) => {
    const end = (): void => {
      reject(new DatabaseError('the server ended the connection', { sqlstate: '08006', connection: true }));
    };
    socket.once('error', reject);
    socket.once('close', end);
    socket.once('data', (chunk: Buffer) => {
      socket.off('error', reject);
      socket.off('close', end);
      socket.pause();
      resolve(chunk);
    });
  });
}

async function handshake(socket: Socket, encryption: Encryption): Promise<TLSSocket> {
  // Loaded late, since many servers have no TLS; and at once, since the socket could close while an import is awaited.
  const { connect: secure } = process.getBuiltinModule('node:tls');
  const stream = secure({ ...encryption.options(), socket });
  // Until `pg` listens, an abort must not become an uncaught error.
  const end = once(stream, 'close').then(() => {
    throw new DatabaseError('the server ended the connection', { sqlstate: '08006', connection: true });
  });
  end.catch(() => undefined);
  await Promise.race([once(stream, 'secureConnect'), end]);
  return stream;
}

/** `pg` calls `connect` on the stream that it is given and waits for the event; ours is connected already. */
function alreadyConnected(stream: Socket): Socket {
  stream.connect = () => {
    queueMicrotask(() => {
      stream.emit('connect');
      stream.resume();
    });
    return stream;
  };
  return stream;
}
