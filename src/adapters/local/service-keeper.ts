import { Failure } from '../../core/failure.ts';
import type { Service } from '../../core/project.ts';
import { isPortTaken } from './loopback-port.ts';
import type { LocalPaths } from './paths.ts';
import { type Endpoint, madeFrom, serviceEnvironment, serviceUrl } from './service-environment.ts';
import { launchService, type ServiceProcess } from './service-process.ts';
import type { ServiceExit, ServiceState } from './state-file.ts';

/** ms between SIGTERM and SIGKILL. */
const stopGrace = 5000;
/** ms for stopping everything: with the databases to close after it, orch is gone within 10 s. */
const stopAllGrace = 6000;

/** What the keeper is made with. */
export interface ServiceKeeperOptions {
  readonly paths: LocalPaths;
  /** What of orch's environment services get. */
  readonly environment: Readonly<Record<string, string>>;
  readonly locate: (service: Service) => Endpoint | undefined;
  /** Something started or ended. */
  readonly onChange: () => Promise<void>;
  /** A process ended that was not asked to. */
  readonly onExit: (service: Service, exit: ServiceExit) => void;
  readonly onTrouble: (message: string) => void;
}

interface Kept {
  readonly service: Service;
  readonly process: ServiceProcess;
  stopping: boolean;
}

/** The services' processes that this process has started. */
export class ServiceKeeper {
  readonly #options: ServiceKeeperOptions;
  readonly #kept = new Map<string, Kept>();

  constructor(options: ServiceKeeperOptions) {
    this.#options = options;
  }

  get states(): readonly ServiceState[] {
    return [...this.#kept.values()].map(({ service, process }) => ({
      service: service.name,
      process: process.identity,
      url: serviceUrl(service),
      logStart: process.logStart,
      madeFrom: madeFrom(service),
      exit: process.exit,
    }));
  }

  /**
   * Starts the service's process; nothing where it runs already or the config gives it no command.
   * @throws Failure `port-taken`, `service-not-started`
   */
  async start(service: Service): Promise<boolean> {
    const command = service.local?.command ?? [];
    if (command.length === 0 || this.#isRunning(service)) return false;
    const port = service.local?.port;
    if (port !== undefined && (this.#usesPort(port) || (await isPortTaken(port)))) {
      throw new Failure('port-taken', { service: service.name, address: `127.0.0.1:${port}` });
    }
    const kept: Kept = { service, process: await this.#launch(service, command), stopping: false };
    this.#kept.set(service.name, kept);
    void kept.process.ended.then((exit) => this.#ended(kept, exit));
    await this.#options.onChange();
    return true;
  }

  /** Stops the service's process; nothing where it does not run. */
  async stop(name: string, grace: number = stopGrace): Promise<boolean> {
    const kept = this.#kept.get(name);
    if (kept === undefined) return false;
    kept.stopping = true;
    const ran = kept.process.exit === undefined;
    if (ran) await kept.process.stop(grace);
    this.#kept.delete(name);
    await this.#options.onChange();
    return ran;
  }

  /** Stops all, those started last first: they are the ones that need the others. */
  async stopAll(): Promise<void> {
    const deadline = performance.now() + stopAllGrace;
    for (const name of [...this.#kept.keys()].reverse()) {
      await this.stop(name, Math.max(100, Math.min(stopGrace, deadline - performance.now())));
    }
  }

  #isRunning(service: Service): boolean {
    const kept = this.#kept.get(service.name);
    return kept !== undefined && kept.process.exit === undefined;
  }

  /** True where a service that may not listen yet was given that port. */
  #usesPort(port: number): boolean {
    return [...this.#kept.values()].some(
      ({ service, process }) => process.exit === undefined && service.local?.port === port,
    );
  }

  async #launch(service: Service, command: readonly string[]): Promise<ServiceProcess> {
    const { paths, environment, locate, onTrouble } = this.#options;
    try {
      return await launchService({
        service,
        command,
        environment: serviceEnvironment(service, environment, locate(service)),
        logFile: paths.log(service.name),
        onLogLost: (error) => onTrouble(`the log of ${service.name} is not kept any more: ${error.message}`),
      });
    } catch (error) {
      throw notStarted(service, error);
    }
  }

  #ended(kept: Kept, exit: ServiceExit): void {
    if (kept.stopping) return;
    void this.#options.onChange();
    this.#options.onExit(kept.service, exit);
  }
}

function notStarted(service: Service, cause: unknown): Failure {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new Failure('service-not-started', { service: service.name, reason, logTail: [] }, { cause });
}
