import type { FailureDetails } from '../core/failure.ts';
import { type FailurePhrases, foreignLines, NOTHING_DONE, quoted } from './failure-phrase.ts';
import { composeCommand, findService, type PhraseContext, shellWord, shownPath } from './phrase-context.ts';
import { formatDuration, formatList } from './units.ts';

/** Failures of containers, processes, images and of Docker itself; and the interrupt. */
type RuntimeCode =
  | 'service-unhealthy'
  | 'service-not-started'
  | 'image-build-failed'
  | 'image-missing'
  | 'port-taken'
  | 'compose-invalid'
  | 'docker-unavailable'
  | 'local-state-locked'
  | 'interrupted';

export const runtimeFailures: FailurePhrases<RuntimeCode> = {
  'service-unhealthy': ({ details }, context) => ({
    happened: [
      `${details.service} is not healthy after ${formatDuration(details.waited)}: it is ${details.state}`,
      ...(details.url === undefined ? [] : [`  ${details.url}  ${details.lastAnswer ?? 'no answer'}`]),
      ...(details.url === undefined && details.lastAnswer !== undefined
        ? [`  its health check: ${details.lastAnswer}`]
        : []),
      ...quoted(details.logTail),
    ],
    state: `${databaseDone(details.service, context)}; ${needing(details.service, context)}.`,
    next: [`orch logs ${shellWord(details.service)}`, `orch up ${shellWord(details.service)}`],
  }),
  'service-not-started': ({ details }, context) => ({
    happened: [`${details.service} could not be started: ${details.reason}`, ...quoted(details.logTail)],
    state: `${databaseDone(details.service, context)}; ${details.service} does not run.`,
    next: [`orch logs ${shellWord(details.service)}`, `orch up ${shellWord(details.service)}`],
  }),
  'image-build-failed': ({ details }, context) => ({
    happened: [`the image of ${details.service} did not build`, ...quoted(details.outputTail)],
    state: `nothing was applied or started for ${details.service}; an older container of it, if there is one, keeps running.`,
    next: [composeCommand(context, 'build', details.service)],
  }),
  'image-missing': ({ details }, context) => ({
    happened: [`the image ${details.image} of ${details.service} is not here`, ...quoted(foreignLines(details.reason))],
    state: `nothing was applied or started for ${details.service}.`,
    next: [composeCommand(context, 'pull', details.service), `orch up ${shellWord(details.service)}`],
  }),
  'port-taken': ({ details }, context) => ({
    happened: [`${details.service} could not be started: ${details.address} is taken by another program`],
    state: `${databaseDone(details.service, context)}; ${details.service} does not run.`,
    next: [
      `ss -ltnp 'sport = :${portOf(details.address)}'  # which program it is`,
      `orch up ${shellWord(details.service)}`,
    ],
  }),
  'compose-invalid': ({ details }, context) => ({
    happened: [
      `Compose refuses ${details.files.map((file) => shownPath(file, context.cwd)).join(', ')}`,
      ...quoted(foreignLines(details.message)),
    ],
    state: NOTHING_DONE,
    next: [
      `docker compose${details.files.map((file) => ` -f ${shellWord(shownPath(file, context.cwd))}`).join('')} config --quiet`,
    ],
  }),
  'docker-unavailable': ({ details }) => {
    const { headline, state, next } = dockerWords[details.what];
    return {
      happened: [
        headline,
        ...(details.reason === '' ? [] : quoted(foreignLines(details.reason))),
        ...details.tried.map((place) => `  tried: ${place}`),
      ],
      state,
      next,
    };
  },
  'local-state-locked': ({ details }, context) => ({
    happened: [`another orch (pid ${details.pid}) holds ${shownPath(details.folder, context.cwd)}`],
    state: NOTHING_DONE,
    next: ['orch status  # works beside it', 'orch down  # ends it'],
  }),
  interrupted: ({ details }) => ({
    happened: [`interrupted by ${details.signal === 'SIGINT' ? 'Ctrl-C (SIGINT)' : 'SIGTERM'}`],
    state: 'what was open is rolled back and unlocked; what was committed before stays.',
    next: ['orch status', 'orch plan  # shows what is left to do'],
  }),
};

const withoutDocker = 'orch up --runtime local  # the same services without Docker';

const dockerWords: {
  readonly [W in FailureDetails['docker-unavailable']['what']]: {
    readonly headline: string;
    readonly state: string;
    readonly next: readonly string[];
  };
} = {
  'no-engine': {
    headline: 'no Docker engine answers',
    state: 'no container was touched.',
    next: ['docker info  # says what the engine lacks', withoutDocker],
  },
  'no-compose': {
    headline: 'there is no Compose CLI',
    state: 'no container was touched.',
    next: ['docker compose version  # says what is missing', withoutDocker],
  },
  'engine-lost': {
    headline: 'the Docker engine does not answer any more',
    state: 'what was done before stays; whether a container that was about to start does run is not known.',
    next: ['docker info  # says what the engine lacks', 'orch status', 'orch up  # goes on from here'],
  },
};

function databaseDone(service: string, context: PhraseContext): string {
  const heads = context.headsOf(service);
  const database = findService(context, service)?.database ?? `the database of ${service}`;
  if (heads === undefined) return `${database} is prepared`;
  return heads.length === 0 ? `${database} has no revision applied` : `${database} is at ${heads.join(', ')}`;
}

/** The services that wait for this one in vain. */
function needing(service: string, context: PhraseContext): string {
  const names = (context.project?.services ?? [])
    .filter(({ needs }) => needs.includes(service))
    .map(({ name }) => name);
  if (names.length === 0) return `${service} is left as it is`;
  return `${formatList(names)}, which ${names.length === 1 ? 'needs it, was' : 'need it, were'} not started`;
}

function portOf(address: string): string {
  return /(\d+)\D*$/.exec(address)?.[1] ?? address;
}
