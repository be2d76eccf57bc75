import { Agent } from 'node:http';
import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { DockerOptions } from 'dockerode';
import type { EngineAddress } from './engine-address.ts';

/**
 * How dockerode reaches an address. It fills in whatever is not given from the process's own DOCKER_HOST, so each field
 * stands here. For TCP it would take addresses apart with `url.parse`, at which Node 24 warns on standard error: it gets
 * a connection instead, and believes that it talks to a socket.
 */
export function connectionOf(address: EngineAddress): DockerOptions {
  const own = { host: undefined, port: undefined, ca: undefined, cert: undefined, key: undefined, protocol: 'http' };
  const options =
    address.kind === 'socket'
      ? { ...own, socketPath: address.path }
      : { ...own, socketPath: 'tcp', agent: new TcpAgent(address) };
  // The types know `undefined` for none of these; dockerode does.
  return options as unknown as DockerOptions;
}

type TcpAddress = Extract<EngineAddress, { kind: 'tcp' }>;

class TcpAgent extends Agent {
  readonly #address: TcpAddress;

  constructor(address: TcpAddress) {
    super();
    this.#address = address;
  }

  override createConnection(): Socket {
    const { host, port, tls } = this.#address;
    if (tls === undefined) return connectPlain({ host, port });
    // SNI takes no addresses; the certificate is checked against the host all the same.
    return connectTls({ host, port, ...tls, ...(isIP(host) === 0 ? { servername: host } : {}) });
  }
}
