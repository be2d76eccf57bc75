import { Failure } from '../../core/failure.ts';
import type { ComposeAnswer, ComposeCli } from './compose-cli.ts';
import { placeOf } from './compose-errors.ts';

/** A service of the compose files, as far as it is used. */
export interface ComposeService {
  readonly name: string;
  readonly image: string;
  /** True: the project builds the image; false: it is pulled. */
  readonly builds: boolean;
  /** Compose's own hash of the service's config: the value of the label `com.docker.compose.config-hash`. */
  readonly hash: string;
}

/** The compose files, read and checked by Compose itself. */
export interface ComposeProject {
  readonly files: readonly string[];
  readonly services: ReadonlyMap<string, ComposeService>;
}

/**
 * Has Compose read its files: this is also the check of them, before anything is touched.
 * @throws Failure `compose-invalid` with Compose's own words
 */
export async function loadComposeProject(
  cli: ComposeCli,
  project: string,
  files: readonly string[],
): Promise<ComposeProject> {
  // Services of profiles that are off are orch's to start all the same.
  const profiles = ['--profile', '*'];
  const [config, hash] = await Promise.all([
    cli.run([...profiles, 'config', '--format', 'json']),
    cli.run([...profiles, 'config', '--hash', '*']),
  ]);
  requireValid(config, files);
  requireValid(hash, files);
  const hashes = new Map(hash.stdout.split('\n').map((line) => line.trim().split(/\s+/) as [string, string]));
  const services = parseServices(config.stdout, files).map(([name, fields]): [string, ComposeService] => [
    name,
    {
      name,
      image: typeof fields.image === 'string' ? fields.image : `${project}-${name}`,
      builds: fields.build !== undefined && fields.build !== null,
      hash: hashes.get(name) ?? '',
    },
  ]);
  return { files, services: new Map(services) };
}

/** @throws Failure `compose-invalid` where the compose files have no such service */
export function requireComposeService(project: ComposeProject, name: string): ComposeService {
  const service = project.services.get(name);
  if (service !== undefined) return service;
  const known = [...project.services.keys()].join(', ');
  const message = `the config names the Compose service "${name}", which the compose files don't have (they have: ${known})`;
  throw new Failure('compose-invalid', { files: project.files, message });
}

function requireValid(answer: ComposeAnswer, files: readonly string[]): void {
  if (answer.exitCode === 0) return;
  const lines = answer.lines.filter((line) => line.trim() !== '' && !/^time="[^"]*" level=(info|warning)/.test(line));
  const message = lines.join('\n');
  const at = placeOf(message, files);
  throw new Failure('compose-invalid', { files, message }, at === undefined ? {} : { at });
}

function parseServices(text: string, files: readonly string[]): [string, Record<string, unknown>][] {
  try {
    const { services } = JSON.parse(text) as { services?: Record<string, Record<string, unknown>> };
    return Object.entries(services ?? {});
  } catch (error) {
    throw noJson(files, error);
  }
}

function noJson(files: readonly string[], cause: unknown): Failure<'compose-invalid'> {
  return new Failure('compose-invalid', { files, message: 'docker compose config gave no JSON' }, { cause });
}
