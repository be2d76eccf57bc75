import { connect, createServer } from 'node:net';

/**
 * True when something listens on the port already. Asked both ways: on macOS a loopback address can be listened on beside
 * a listener on all addresses, on Linux a connection can be refused by one that is only just starting.
 */
export async function isPortTaken(port: number): Promise<boolean> {
  return (await answers(port)) || !(await canListen(port));
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.setTimeout(1000, () => finish(true));
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    function finish(result: boolean): void {
      socket.destroy();
      resolve(result);
    }
  });
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
