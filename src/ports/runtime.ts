import type { RuntimeKind } from '../core/event.ts';
import type { ObservedContainer } from '../core/observed.ts';
import type { Server, Service } from '../core/project.ts';

export interface LogLine {
  readonly service: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Where services (and the PostgreSQL servers that the project owns) live. */
export interface Runtime {
  readonly kind: RuntimeKind;
  /**
   * Starts the PostgreSQL that the project owns, if it does not run; resolves once it was started, not once it serves.
   * @returns how it was found: `started`, `running`
   */
  startServer(server: Server, services: readonly Service[], signal: AbortSignal): Promise<'started' | 'running'>;
  /** One snapshot of the containers or processes of these services; a service that the runtime has nothing to start for is left out. */
  observe(
    services: readonly Service[],
    options: { readonly rebuild: boolean },
  ): Promise<ReadonlyMap<string, ObservedContainer>>;
  /** Builds or pulls the service's image. Local processes need none. */
  buildImage(service: Service, signal: AbortSignal, onOutput: (line: string) => void): Promise<void>;
  /** Creates and starts, replaces, or starts the service's container or process. */
  startService(service: Service, action: 'create' | 'recreate' | 'start', signal: AbortSignal): Promise<void>;
  stopService(service: Service): Promise<void>;
  /**
   * Resolves with the service's URL once it is healthy.
   * @throws Failure `service-unhealthy` with the last log lines
   */
  waitHealthy(service: Service, signal: AbortSignal): Promise<{ readonly url: string | undefined }>;
  /** Stops services and owned servers; `volumes`: their data too. Data is kept otherwise. */
  down(services: readonly Service[], options: { readonly volumes: boolean }): Promise<readonly string[]>;
  logs(
    services: readonly Service[],
    options: { readonly follow: boolean; readonly tail: number | undefined; readonly signal: AbortSignal },
  ): AsyncIterable<LogLine>;
  /** True: what `up` started lives only while this process does; so it stays in the foreground until it is interrupted. */
  readonly holds: boolean;
  /**
   * Resolves when another orch asked this one to go; a service that ends by itself ends nothing else. Only where `holds` is true.
   * @throws Failure `connection-lost` when a database that it serves is lost; the signal's reason when it is aborted
   */
  untilEnded(signal: AbortSignal): Promise<void>;
  /** Frees what this process holds; where `holds` is true: stops services and databases, in that order. */
  close(): Promise<void>;
}
