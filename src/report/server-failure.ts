import type { Failure, FailureDetails, Probe } from '../core/failure.ts';
import { type FailurePhrase, foreignLines, quoted } from './failure-phrase.ts';
import { composeCommand, type PhraseContext, shellWord, shownPath, sqlName } from './phrase-context.ts';
import { formatDuration } from './units.ts';

type Details = FailureDetails['server-unreachable'];

/** For each probe what it found, and what to do about it; `place` is where the server's address stands. */
const probes: {
  readonly [P in Probe]: {
    readonly found: (details: Details) => string;
    readonly next: (details: Details, place: string, context: PhraseContext) => readonly string[];
  };
} = {
  resolve: {
    found: (details) => `the host name ${details.host} does not resolve`,
    next: (_details, place) => [`${place}  # correct the host name`],
  },
  tcp: {
    found: (details) => `nothing answers at ${details.host}:${details.port}`,
    next: (_details, place) => [`${place}  # correct host and port, if they are wrong`],
  },
  login: {
    found: ({ host, port, database, role, sqlstate }) => {
      if (sqlstate === undefined) return `${host}:${port} accepts connections, but does not answer as PostgreSQL does`;
      const login = role === undefined ? 'the login' : `the login of ${role}`;
      return `${host}:${port} refuses ${login}${database === undefined ? '' : ` to the database ${database}`}`;
    },
    next: (details, place, context) =>
      details.sqlstate === undefined
        ? [`${place}  # correct host and port, if they are wrong`]
        : mendLogin(details, place, context),
  },
  startup: {
    found: (details) => `${details.host}:${details.port} is still starting up`,
    next: () => [],
  },
  primary: {
    found: (details) => `${details.host}:${details.port} is a standby: it takes no changes`,
    next: (_details, place) => [`${place}  # name the primary`],
  },
  writable: {
    found: (details) => `${details.host}:${details.port} is read-only`,
    next: () => ['SHOW default_transaction_read_only;  -- and why it is on'],
  },
};

/** Whose password it is decides in which file it stands. */
function mendLogin({ role, database, sqlstate }: Details, place: string, context: PhraseContext): string[] {
  if (sqlstate === '3D000' && database !== undefined) {
    return [`CREATE DATABASE ${sqlName(database)};  -- in psql, as a role that may: or correct it in the ${place}`];
  }
  const service = context.project?.services.find((one) => one.owner.role === role && one.database === database);
  if (service === undefined || role === undefined) {
    return [`${place}  # correct the role in it, its password or its passwordFile`];
  }
  return [
    `owner in ${shownPath(service.file, context.cwd)}  # correct its password or its passwordFile`,
    `\\password ${sqlName(role)}  -- in psql: or give the role the password that the config has`,
  ];
}

/** Where the address stands: a variable, the service's own file, or the servers of the project. */
function addressPlace(server: string, context: PhraseContext): string {
  if (server.startsWith('ORCH_SERVER_URL')) return server;
  // A service with a url of its own has a server of its own, which has its name and nobody to prepare it.
  const own = context.project?.services.find(
    (service) => service.name === server && service.server.name === server && service.server.admin === undefined,
  );
  if (own !== undefined) return `url in ${shownPath(own.file, context.cwd)}`;
  const config =
    context.project === undefined ? 'orchestrator.config.yaml' : shownPath(context.project.file, context.cwd);
  return `url of servers.${server} in ${config}`;
}

/** 08001 and 08006 say no more than that there is no connection. */
function shownState(sqlstate: string | undefined): string {
  return sqlstate === undefined || sqlstate.startsWith('08') ? '' : ` (${sqlstate})`;
}

/** A server that did not become ready, by the probe that did not pass. */
export function serverUnreachable({ details }: Failure<'server-unreachable'>, context: PhraseContext): FailurePhrase {
  const { found, next } = probes[details.probe];
  const container = context.project?.servers.find((server) => server.name === details.server)?.container;
  const state = shownState(details.sqlstate);
  const waited = details.waited > 0 ? `, waited ${formatDuration(details.waited)}` : '';
  return {
    happened: [`server ${details.server}: ${found(details)}${state}${waited}`, ...quoted(foreignLines(details.reason))],
    state: 'nothing was changed in the databases of this server.',
    next: [
      ...next(details, addressPlace(details.server, context), context),
      ...(container === undefined ? [] : [`${composeCommand(context, 'logs')} ${shellWord(container)}`]),
      'orch wait  # asks the servers again, changes nothing',
    ],
  };
}
