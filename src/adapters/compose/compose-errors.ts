import { Failure, type FailurePlace } from '../../core/failure.ts';
import { EngineRefusal } from './engine-client.ts';

const tailLength = 20;

/** The ways in which engines and Docker Desktop name the address that can't be published. */
const takenPorts = [
  /Bind for (\S+:\d+) failed: port is already allocated/,
  /Ports are not available: exposing port \w+ (\S+:\d+)/,
  /failed to bind host port (?:for )?((?:\[[^\]]*\]|[\d.]+):\d+)/,
  /listen (?:tcp|udp)[46]? (\S+:\d+): bind: /,
];

const missingImages = [
  /No such image: (\S+)/,
  /pull access denied for ([^\s,]+)/,
  /manifest for (\S+) not found/,
  /failed to resolve reference "([^"]+)"/,
];

/** Without a name in them: a registry that can't be reached or does not have the image. */
const failedPull = /manifest unknown|Get "https?:\/\/[^"]+\/v2\/|toomanyrequests|unauthorized: /;

const engineGone = /Cannot connect to the Docker daemon|error during connect|failed to connect to the docker API/;

/** Who was to be started: for the failure's fields. */
interface StartSubject {
  readonly service: string;
  readonly image: string;
}

/** What the output of a failed `docker compose up` or `pull` means. */
export function startFailure(subject: StartSubject, output: readonly string[], cause?: unknown): Failure {
  const text = output.join('\n');
  const options = cause === undefined ? {} : { cause };
  const reason = reasonIn(output);
  if (engineGone.test(text)) return engineLost(reason, options);
  const address = firstMatch(takenPorts, text);
  if (address !== undefined) return new Failure('port-taken', { service: subject.service, address }, options);
  const image = firstMatch(missingImages, text) ?? (failedPull.test(text) ? subject.image : undefined);
  if (image !== undefined) return new Failure('image-missing', { service: subject.service, image, reason }, options);
  return new Failure('service-not-started', { service: subject.service, reason, logTail: tailOf(output) }, options);
}

function engineLost(reason: string, options: { readonly cause?: unknown }): Failure<'docker-unavailable'> {
  return new Failure('docker-unavailable', { what: 'engine-lost', reason, tried: [] }, options);
}

/** What the output of a failed `docker compose build` means. */
export function buildFailure(subject: StartSubject, output: readonly string[]): Failure {
  if (engineGone.test(output.join('\n'))) return engineLost(reasonIn(output), {});
  return new Failure('image-build-failed', { service: subject.service, outputTail: tailOf(output) });
}

/** A failed pull: whatever the registry says, the image can't be had. */
export function pullFailure(subject: StartSubject, output: readonly string[]): Failure {
  const failure = startFailure(subject, output);
  if (failure.code !== 'service-not-started') return failure;
  return new Failure('image-missing', { ...subject, reason: reasonIn(output) });
}

/** Turns the engine's refusal to start a container into a failure; anything else is given back as it is. */
export function refusalFailure(subject: StartSubject, error: unknown): unknown {
  return error instanceof EngineRefusal ? startFailure(subject, [error.message], error) : error;
}

/** True: another run made the same container or network at the same time; trying again finds it. */
export function isCreateConflict(output: readonly string[]): boolean {
  return output.some((line) => /is already in use by container|network with name \S+ already exists/.test(line));
}

/** Where Compose says that the fault is, if it does. */
export function placeOf(message: string, files: readonly string[]): FailurePlace | undefined {
  const named = /(?:failed to parse|validating|parsing) (.+?): /.exec(message)?.[1];
  const file = named ?? (files.length === 1 ? files[0] : undefined);
  if (file === undefined) return undefined;
  const line = numberOf(/\bline (\d+)/.exec(message)?.[1]);
  if (named === undefined && line === undefined) return undefined;
  return { file, line, column: numberOf(/\bcolumn (\d+)/.exec(message)?.[1]) };
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
}

function firstMatch(patterns: readonly RegExp[], text: string): string | undefined {
  for (const pattern of patterns) {
    const found = pattern.exec(text)?.[1];
    if (found !== undefined) return found;
  }
  return undefined;
}

function reasonIn(output: readonly string[]): string {
  return output.findLast((line) => line.trim() !== '')?.trim() ?? 'no output';
}

/** The last lines that say something. */
function tailOf(output: readonly string[]): readonly string[] {
  return output.filter((line) => line.trim() !== '').slice(-tailLength);
}
