import { join } from 'node:path';

/** Where the local runtime keeps things. All absolute. */
export interface LocalPaths {
  readonly root: string;
  readonly data: string;
  readonly state: string;
  readonly locks: string;
  readonly ports: string;
  readonly logs: string;
  /** Folder of a database's data. */
  database(name: string): string;
  /** Where its data is put before it is deleted. */
  discarded(name: string): string;
  template(version: string): string;
  /** Log file of a service. */
  log(service: string): string;
}

/** Paths under the project's root folder; names of our own start with a dot, which no encoded name does. */
export function localPaths(projectRoot: string): LocalPaths {
  const root = join(projectRoot, '.orch');
  const data = join(root, 'local');
  const logs = join(root, 'logs');
  return {
    root,
    data,
    state: join(data, 'state.json'),
    locks: join(data, '.lock'),
    ports: join(data, '.ports.json'),
    logs,
    database: (name) => join(data, fileName(name)),
    discarded: (name) => join(data, `.old-${fileName(name)}`),
    template: (version) => join(data, `.template-${version}`),
    log: (service) => join(logs, `${fileName(service)}.log`),
  };
}

/** A name as one path segment on any file system; `state.json` cannot come out of it. */
function fileName(name: string): string {
  return encodeURIComponent(name).replaceAll('.', '%2E').replaceAll('*', '%2A');
}
