import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** A network in which each message of the server arrives alone, in a turn of the event loop of its own; ends with the test. */
export async function startSlowAnswers(target: { readonly host: string; readonly port: number }): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect(target.port, target.host);
    client.setNoDelay(true);
    client.pipe(upstream);
    client.on('error', () => upstream.destroy());
    upstream.on('error', () => client.destroy());
    upstream.on('close', () => client.destroy());
    let received = Buffer.alloc(0);
    let writing = Promise.resolve();
    upstream.on('data', (data: Buffer) => {
      received = Buffer.concat([received, data]);
      // A letter, then the length of the rest, which counts itself (manual, 54.2).
      while (received.length >= 5 && received.length >= 1 + received.readUInt32BE(1)) {
        const message = received.subarray(0, 1 + received.readUInt32BE(1));
        received = received.subarray(message.length);
        writing = writing.then(async () => {
          client.write(message);
          for (let turn = 0; turn < 5; turn += 1) await nextTurn();
        });
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}
