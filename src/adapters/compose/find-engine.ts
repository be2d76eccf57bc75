import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../../core/failure.ts';
import { type EngineAddress, type EngineTls, formatAddress, loadTls, parseAddress } from './engine-address.ts';
import { pingEngine } from './engine-ping.ts';

/** Variables as they were given to orch. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** An engine that answered. */
export interface FoundEngine {
  readonly address: EngineAddress;
  /** How it was found, such as `DOCKER_HOST` or `docker context desktop-linux`. */
  readonly how: string;
  /** What the Docker CLI needs in its environment to talk to the same engine. */
  readonly environment: Readonly<Record<string, string>>;
}

/** What came of the search: an engine, or for each place that was tried why not. */
interface EngineSearch {
  readonly engine: FoundEngine | undefined;
  readonly tried: readonly string[];
}

interface Candidate {
  readonly how: string;
  /** Text: the reason why it can't be used. */
  readonly address: EngineAddress | string;
  readonly environment: Readonly<Record<string, string>>;
}

/** The places of an engine that nobody named. */
const systemSocket = '/var/run/docker.sock';

interface FindEngineOptions {
  /** Bound for all of it, in ms. */
  readonly timeout?: number;
  readonly systemSocket?: string;
}

/**
 * Looks for an engine: DOCKER_HOST, the docker context in use, /var/run/docker.sock, $XDG_RUNTIME_DIR/docker.sock.
 * Where DOCKER_HOST or a context names one, no other is tried: containers that the user's `docker` does not show would
 * be a surprise. Loads neither dockerode nor the CLI.
 */
export async function findEngine(environment: Environment, options: FindEngineOptions = {}): Promise<EngineSearch> {
  const timeout = options.timeout ?? 3000;
  const named = (await fromHost(environment)) ?? (await fromContext(environment));
  const candidates = named === undefined ? sockets(environment, options.systemSocket ?? systemSocket) : [named];
  const answers = await Promise.all(
    candidates.map(({ address }) => (typeof address === 'string' ? address : pingEngine(address, timeout))),
  );
  const index = answers.indexOf(undefined);
  const found = candidates[index];
  const engine =
    found === undefined || typeof found.address === 'string' ? undefined : { ...found, address: found.address };
  return { engine, tried: candidates.flatMap((candidate, at) => describe(candidate, answers[at])) };
}

/**
 * As `findEngine`, for who can't go on without.
 * @throws Failure `docker-unavailable` with what was tried
 */
export async function requireEngine(environment: Environment, options: FindEngineOptions = {}): Promise<FoundEngine> {
  const { engine, tried } = await findEngine(environment, options);
  if (engine === undefined) throw new Failure('docker-unavailable', { what: 'no-engine', reason: '', tried });
  return engine;
}

function describe(candidate: Candidate, reason: string | undefined): string[] {
  if (reason === undefined) return [];
  const where = typeof candidate.address === 'string' ? '' : ` ${formatAddress(candidate.address)}`;
  return [candidate.how === where.trim() ? `${candidate.how}: ${reason}` : `${candidate.how}${where}: ${reason}`];
}

async function fromHost(environment: Environment): Promise<Candidate | undefined> {
  const host = environment.DOCKER_HOST;
  if (host === undefined || host === '') return undefined;
  const how = 'DOCKER_HOST';
  // The CLI reads the same variables itself: nothing to add for it.
  const verify = environment.DOCKER_TLS_VERIFY;
  const wantsTls = verify !== undefined && verify !== '';
  const tls = wantsTls ? await loadTls(environment.DOCKER_CERT_PATH ?? configFolder(environment)) : undefined;
  return { how, address: typeof tls === 'string' ? tls : parseAddress(host, tls), environment: {} };
}

async function fromContext(environment: Environment): Promise<Candidate | undefined> {
  const name = await contextName(environment);
  if (name === undefined || name === '' || name === 'default') return undefined;
  const candidate = { how: `docker context ${name}`, environment: { DOCKER_CONTEXT: name } };
  const id = createHash('sha256').update(name).digest('hex');
  const contexts = join(configFolder(environment), 'contexts');
  const meta = await loadJson(join(contexts, 'meta', id, 'meta.json'));
  const endpoint = fieldOf(fieldOf(meta, 'Endpoints'), 'docker');
  const host = fieldOf(endpoint, 'Host');
  if (typeof host !== 'string') return { ...candidate, address: 'there is no such context' };
  if (fieldOf(endpoint, 'SkipTLSVerify') === true && !/^(unix|npipe):/.test(host)) {
    return { ...candidate, address: 'it skips TLS verification, which is not supported' };
  }
  const tls = await contextTls(join(contexts, 'tls', id, 'docker'), host);
  return { ...candidate, address: typeof tls === 'string' ? tls : parseAddress(host, tls) };
}

async function contextTls(folder: string, host: string): Promise<EngineTls | undefined | string> {
  if (/^(unix|npipe):/.test(host)) return undefined;
  const tls = await loadTls(folder);
  // A plain tcp:// context has no such folder.
  return typeof tls === 'string' && !host.endsWith(':2376') ? undefined : tls;
}

async function contextName(environment: Environment): Promise<string | undefined> {
  if (environment.DOCKER_CONTEXT) return environment.DOCKER_CONTEXT;
  const current = fieldOf(await loadJson(join(configFolder(environment), 'config.json')), 'currentContext');
  return typeof current === 'string' ? current : undefined;
}

function sockets(environment: Environment, system: string): Candidate[] {
  const runtimeFolder = environment.XDG_RUNTIME_DIR;
  const paths = runtimeFolder ? [system, join(runtimeFolder, 'docker.sock')] : [system];
  return paths.map((path) => {
    const address: EngineAddress = { kind: 'socket', path };
    const url = formatAddress(address);
    return { how: url, address, environment: { DOCKER_HOST: url } };
  });
}

function configFolder(environment: Environment): string {
  return environment.DOCKER_CONFIG || join(environment.HOME ?? environment.USERPROFILE ?? '/', '.docker');
}

/** Undefined where the file is not there or no JSON: the Docker CLI, too, then goes on with its defaults. */
async function loadJson(path: string): Promise<unknown> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}
