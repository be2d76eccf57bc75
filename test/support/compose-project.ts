import { dirname } from 'node:path';
import { defaultNaming } from '../../src/core/naming.ts';
import type { Project, Server, Service } from '../../src/core/project.ts';
import type { Clock } from '../../src/ports/clock.ts';

/** The machine's own time. */
export const realClock: Clock = {
  now: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(done, ms);
      function done(): void {
        signal.removeEventListener('abort', abort);
        resolve();
      }
      function abort(): void {
        clearTimeout(timer);
        reject(signal.reason);
      }
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    }),
};

const tls = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined } as const;

const server: Server = {
  name: 'main',
  host: '127.0.0.1',
  port: 5432,
  tls,
  admin: { role: 'postgres', password: undefined },
  maintenanceDatabase: 'postgres',
  container: 'postgres',
  readyTimeout: 60_000,
};

/** A project of which only the Compose side matters: each service's container has the service's name. */
export function composeProject(options: {
  readonly name: string;
  readonly files: readonly string[];
  readonly services: readonly (Partial<Service> & { readonly name: string })[];
  readonly root?: string;
}): Project {
  const root = options.root ?? dirname(options.files[0] ?? '/tmp/x');
  return {
    name: options.name,
    root,
    file: `${root}/orchestrator.config.yaml`,
    environment: 'development',
    composeFiles: options.files,
    templates: undefined,
    naming: defaultNaming,
    servers: [server],
    services: options.services.map((service) => ({
      database: `${service.name}db`,
      server,
      owner: { role: 'owner', password: undefined },
      roles: [],
      extensions: [],
      folder: root,
      revisions: `${root}/revisions`,
      seeds: undefined,
      container: service.name,
      health: { url: undefined, timeout: 20_000 },
      local: undefined,
      needs: [],
      file: `${root}/service.yaml`,
      ...service,
    })),
    policies: {
      lockWait: 0,
      lockTimeout: 0,
      lockRetry: 0,
      statementTimeout: 0,
      failFast: false,
      concurrency: 4,
    },
    secrets: [],
  };
}

/** The failure that a promise rejects with; an error where it does not. */
export async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}
