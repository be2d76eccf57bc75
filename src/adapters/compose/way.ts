import type { ObservedContainer } from '../../core/observed.ts';
import type { Server, Service } from '../../core/project.ts';
import type { EngineClient } from './engine-client.ts';

/** What both ways have. */
export interface WayContext {
  readonly engine: EngineClient;
  /** Compose's name of the project: the value of the containers' label. */
  readonly composeProject: string;
  /** Where ports of a remote engine are published; undefined: on this machine. */
  readonly engineHost: string | undefined;
}

/** What differs between having the Compose CLI and having only the engine's socket. As the port says. */
export interface Way {
  startServer(server: Server, signal: AbortSignal): Promise<'started' | 'running'>;
  observe(services: readonly Service[], rebuild: boolean): Promise<ReadonlyMap<string, ObservedContainer>>;
  buildImage(service: Service, signal: AbortSignal, onOutput: (line: string) => void): Promise<void>;
  startService(service: Service, signal: AbortSignal): Promise<void>;
  /** The health URL that can be asked from here; undefined: only the container's own health check counts. */
  probedUrl(service: Service): string | undefined;
  /** @param servers undefined: only these services go, servers and networks stay */
  down(
    services: readonly Service[],
    servers: readonly Server[] | undefined,
    volumes: boolean,
  ): Promise<readonly string[]>;
}
