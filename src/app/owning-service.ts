import { Failure } from '../core/failure.ts';
import type { Project, Service } from '../core/project.ts';
import { selectServices } from './select-services.ts';

/** Where a command that writes files was called. */
export interface Calling {
  /** `--service`; undefined: it was not given. */
  readonly service: string | undefined;
  /** The working folder, absolute. */
  readonly cwd: string;
  /** For the failure. */
  readonly command: string;
}

/**
 * The service that a file is written for: the one that was named, else the only one, else the one in whose folder the
 * command was called.
 * @throws Failure `service-unknown`, `service-ambiguous`
 */
export function requireOwningService(project: Project, calling: Calling): Service {
  const found = findOwningService(project, calling);
  if (found !== undefined) return found;
  throw new Failure('service-ambiguous', { command: calling.command, known: project.services.map(({ name }) => name) });
}

/** As `requireOwningService`; undefined where it throws `service-ambiguous`. @throws Failure `service-unknown` */
export function findOwningService(project: Project, { service, cwd }: Calling): Service | undefined {
  if (service !== undefined) return selectServices(project, [service])[0];
  if (project.services.length === 1) return project.services[0];
  const depth = (one: Service): number =>
    Math.max(...foldersOf(one).map((folder) => (holds(folder, cwd) ? folder.length : -1)));
  const deepest = Math.max(...project.services.map(depth));
  const [only, second] = project.services.filter((one) => depth(one) === deepest && deepest >= 0);
  return second === undefined ? only : undefined;
}

function foldersOf({ folder, revisions, seeds }: Service): readonly string[] {
  return [folder, revisions, ...(seeds === undefined ? [] : [seeds])];
}

function holds(folder: string, path: string): boolean {
  return (
    path === folder || path.startsWith(folder.endsWith('/') ? folder : `${folder}/`) || path.startsWith(`${folder}\\`)
  );
}
