import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface FakeServer {
  readonly port: number;
  /** Texts of the start-up messages so far. */
  readonly startups: readonly string[];
  close(): Promise<void>;
}

/**
 * A server that is no PostgreSQL: `answer` says what it does with a connection's first packet.
 * Without one it accepts connections and says nothing.
 */
export async function startFakeServer(answer?: (startup: string, socket: Socket) => void): Promise<FakeServer> {
  const startups: string[] = [];
  const sockets = new Set<Socket>();
  // Half open: what a client ends stays pending until this side ends it too, as with a server that is gone.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.once('data', (chunk) => {
      startups.push(chunk.subarray(8).toString());
      answer?.(chunk.subarray(8).toString(), socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return {
    port: address.port,
    startups,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** An ErrorResponse that ends the connection. */
export function fatal(sqlstate: string, message: string): Buffer {
  return packet('E', Buffer.from(`SFATAL\0VFATAL\0C${sqlstate}\0M${message}\0\0`));
}

/** AuthenticationOk, BackendKeyData and ReadyForQuery. */
export function welcome(pid: number): Buffer {
  const key = Buffer.alloc(8);
  key.writeInt32BE(pid, 0);
  return Buffer.concat([packet('R', Buffer.alloc(4)), packet('K', key), packet('Z', Buffer.from('I'))]);
}

function packet(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(type), length, body]);
}
