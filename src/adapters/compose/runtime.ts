import type { Project, Server, Service } from '../../core/project.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Runtime } from '../../ports/runtime.ts';
import { CliWay } from './cli-way.ts';
import { ComposeCli, hasComposeCli } from './compose-cli.ts';
import { EngineClient } from './engine-client.ts';
import type { Environment, FoundEngine } from './find-engine.ts';
import { waitForHealth } from './health.ts';
import { followLogs, type LogSource, readLogs } from './log-follow.ts';
import { requireContainer, stopContainers } from './observe-containers.ts';
import { findPublishedUrl } from './published-url.ts';
import { SocketWay } from './socket-way.ts';
import type { Way, WayContext } from './way.ts';

interface ComposeRuntimeOptions {
  readonly project: Project;
  readonly engine: FoundEngine;
  /** Passed on to the Compose CLI as it is, with what makes it talk to the same engine. */
  readonly environment: Environment;
  /** Compose's name of the project (COMPOSE_PROJECT_NAME); undefined or empty: the config's project. */
  readonly composeProject?: string | undefined;
  readonly clock: Clock;
  /** For each call of the engine, in ms; default 10 s. */
  readonly engineTimeout?: number;
}

/**
 * The runtime that lives in Docker Compose. With a Compose CLI and compose files at hand, that creates and replaces
 * containers (`CliWay`); else only containers that exist already are started and stopped (`SocketWay`). Asks nobody
 * before its first use.
 */
export function openComposeRuntime(options: ComposeRuntimeOptions): Runtime {
  const { project, clock } = options;
  const context = contextOf(options);
  const { engine } = context;
  let way: Promise<Way> | undefined;
  const useWay = (): Promise<Way> => {
    way ??= openWay(project, context, options);
    return way;
  };
  return {
    kind: 'compose',
    holds: false,
    startServer: async (server, _services, signal) => (await useWay()).startServer(server, signal),
    observe: async (services, { rebuild }) => (await useWay()).observe(services, rebuild),
    buildImage: async (service, signal, onOutput) => (await useWay()).buildImage(service, signal, onOutput),
    startService: async (service, _action, signal) => (await useWay()).startService(service, signal),
    async stopService(service) {
      if (service.container !== undefined) await stopContainers(context, [service.container]);
    },
    async waitHealthy(service, signal) {
      const { container: name } = service;
      if (name === undefined) return { url: service.health.url };
      const container = await requireContainer(context, service.name, name, signal);
      const url = (await useWay()).probedUrl(service);
      const healthy = await waitForHealth(engine, clock, {
        service: service.name,
        project: context.composeProject,
        container: name,
        containerId: container.id,
        url,
        timeout: service.health.timeout,
        signal,
      });
      return { url: findPublishedUrl(healthy.ports, service.health.url, context.engineHost) };
    },
    down: async (services, { volumes }) => (await useWay()).down(services, serversToStop(project, services), volumes),
    logs(services, { follow, tail, signal }) {
      const sources = services.flatMap(({ name, container }): LogSource[] =>
        container === undefined ? [] : [{ service: name, container }],
      );
      const request = { project: context.composeProject, sources, tail, signal };
      return follow ? followLogs(engine, request) : readLogs(engine, request);
    },
    untilEnded: () => Promise.resolve(),
    close: () => Promise.resolve(),
  };
}

function contextOf(options: ComposeRuntimeOptions): WayContext {
  const { engine, project, composeProject } = options;
  return {
    engine: new EngineClient(engine.address, options.engineTimeout),
    composeProject: composeProject === undefined || composeProject === '' ? project.name : composeProject,
    engineHost: engine.address.kind === 'tcp' ? engine.address.host : undefined,
  };
}

async function openWay(project: Project, context: WayContext, options: ComposeRuntimeOptions): Promise<Way> {
  const files = project.composeFiles;
  if (files.length === 0) return new SocketWay(context, 'the config names no compose file');
  const environment = { ...definedOnly(options.environment), ...options.engine.environment };
  if (!(await hasComposeCli(environment))) return new SocketWay(context, 'there is no Compose CLI here');
  const cli = new ComposeCli({ files, project: context.composeProject, folder: project.root, environment });
  return new CliWay(context, cli, project);
}

/** Servers go only where all services go. */
function serversToStop(project: Project, services: readonly Service[]): readonly Server[] | undefined {
  const names = new Set(services.map((service) => service.name));
  return project.services.every((service) => names.has(service.name)) ? project.servers : undefined;
}

function definedOnly(environment: Environment): Record<string, string> {
  const entries = Object.entries(environment);
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
