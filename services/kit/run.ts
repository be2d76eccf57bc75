import { once } from 'node:events';
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { type Database, openDatabase } from './database.ts';
import { type App, createApp, type Log, type ServiceDescription } from './http.ts';
import { readSettings, type Settings, SettingsError } from './settings.ts';

/** Everything of a service but its own work. */
export interface Service extends ServiceDescription {
  readonly port: number;
  addRoutes(app: App, database: Database, settings: Settings): void;
}

/** How long open requests may take to end after SIGTERM, in ms: below the 10 s after which Docker kills. */
const STOP_TIMEOUT = 5_000;

/** Runs a service until SIGTERM or SIGINT. */
export async function runService(process: NodeJS.Process, service: Service): Promise<void> {
  const log: Log = (line) => process.stdout.write(`${line}\n`);
  try {
    const settings = readSettings(process.env, service.port);
    const database = openDatabase(settings.database, (error) => log(`database: ${error.message}`));
    const app = createApp(service, database, log);
    service.addRoutes(app, database, settings);
    const server = await listen(app, settings);
    log(`${service.name} listens on http://${settings.host}:${settings.port}`);
    // As PID 1 in a container a process gets no default action for signals: without these it could only be killed.
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.once(signal, () => {
        log(`${signal}: stopping`);
        void stop(server, database);
      });
    }
  } catch (error) {
    process.stderr.write(`${service.name}: ${explain(error)}\n`);
    process.exitCode = 1;
  }
}

async function listen(app: App, settings: Settings): Promise<Server> {
  const server = createAdaptorServer({ fetch: app.fetch }) as Server;
  server.listen(settings.port, settings.host);
  await once(server, 'listening');
  return server;
}

async function stop(server: Server, database: Database): Promise<void> {
  const closed = once(server, 'close');
  // Also ends connections that are kept alive but idle; open requests go on.
  server.close();
  const timer = setTimeout(() => server.closeAllConnections(), STOP_TIMEOUT);
  await closed;
  clearTimeout(timer);
  await database.close();
}

function explain(error: unknown): string {
  if (error instanceof SettingsError) return error.message;
  const { code, message, stack } = error as NodeJS.ErrnoException;
  return code === undefined ? (stack ?? message) : message;
}
