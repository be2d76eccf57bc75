import type { Failure, FailureDetails, Probe } from '../core/failure.ts';
import { type FailurePhrase, foreignLines, quoted } from './failure-phrase.ts';
import { composeCommand, type PhraseContext, shellWord, shownPath, sqlName } from './phrase-context.ts';
import { formatDuration } from './units.ts';

type Details = FailureDetails['server-unreachable'];

/** For each probe what it found, and what to do about it; `config` is the config file's name. */
const probes: {
  readonly [P in Probe]: {
    readonly found: (details: Details) => string;
    readonly next: (details: Details, config: string, context: PhraseContext) => readonly string[];
  };
} = {
  resolve: {
    found: (details) => `the host name ${details.host} does not resolve`,
    next: (details, config) => [`url: …  # of servers.${details.server} in ${config}: correct the host name`],
  },
  tcp: {
    found: (details) => `nothing answers at ${details.host}:${details.port}`,
    next: (details, config) => [
      `url: …  # of servers.${details.server} in ${config}: host and port, if they are wrong`,
    ],
  },
  login: {
    found: ({ host, port, database, role, sqlstate }) => {
      if (sqlstate === undefined) return `${host}:${port} accepts connections, but does not answer as PostgreSQL does`;
      const login = role === undefined ? 'the login' : `the login of ${role}`;
      return `${host}:${port} refuses ${login}${database === undefined ? '' : ` to the database ${database}`}`;
    },
    next: (details, config, context) =>
      details.sqlstate === undefined
        ? [`url: …  # of servers.${details.server} in ${config}: host and port, if they are wrong`]
        : mendLogin(details, config, context),
  },
  startup: {
    found: (details) => `${details.host}:${details.port} is still starting up`,
    next: () => [],
  },
  primary: {
    found: (details) => `${details.host}:${details.port} is a standby: it takes no changes`,
    next: (details, config) => [`url: …  # of servers.${details.server} in ${config}: name the primary`],
  },
  writable: {
    found: (details) => `${details.host}:${details.port} is read-only`,
    next: () => ['SHOW default_transaction_read_only;  -- and why it is on'],
  },
};

/** Whose password it is decides in which file it stands. */
function mendLogin({ server, role, database }: Details, config: string, context: PhraseContext): string[] {
  const service = context.project?.services.find((one) => one.owner.role === role && one.database === database);
  if (service === undefined || role === undefined) {
    return [`servers.${server} in ${config}  # correct the role in its url, its password or its passwordFile`];
  }
  return [
    `owner in ${shownPath(service.file, context.cwd)}  # correct its password or its passwordFile`,
    `\\password ${sqlName(role)}  -- in psql: or give the role the password that the config has`,
  ];
}

/** 08001 and 08006 say no more than that there is no connection. */
function shownState(sqlstate: string | undefined): string {
  return sqlstate === undefined || sqlstate.startsWith('08') ? '' : ` (${sqlstate})`;
}

/** A server that did not become ready, by the probe that did not pass. */
export function serverUnreachable({ details }: Failure<'server-unreachable'>, context: PhraseContext): FailurePhrase {
  const { found, next } = probes[details.probe];
  const config =
    context.project === undefined ? 'orchestrator.config.yaml' : shownPath(context.project.file, context.cwd);
  const container = context.project?.servers.find((server) => server.name === details.server)?.container;
  const state = shownState(details.sqlstate);
  const waited = details.waited > 0 ? `, waited ${formatDuration(details.waited)}` : '';
  return {
    happened: [`server ${details.server}: ${found(details)}${state}${waited}`, ...quoted(foreignLines(details.reason))],
    state: 'nothing was changed in the databases of this server.',
    next: [
      ...next(details, config, context),
      ...(container === undefined ? [] : [`${composeCommand(context, 'logs')} ${shellWord(container)}`]),
      'orch wait  # asks the servers again, changes nothing',
    ],
  };
}
