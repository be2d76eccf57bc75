import type { FailureDetails } from '../core/failure.ts';
import type { FailurePhrase } from './failure-phrase.ts';
import { findService, type PhraseContext, phraseStanding, shownPath, sqlName, sqlText } from './phrase-context.ts';

type Details = FailureDetails['prerequisite-unmet'];

/** Words for what a database or a server lacks, by what it is. */
export const prerequisiteFailures: {
  readonly [W in Details['what']]: (details: Details, context: PhraseContext) => FailurePhrase;
} = {
  'extension-unavailable': (details) => ({
    happened: [`${details.service}: the server of ${details.database} does not have the extension ${details.name}`],
    state: untouched(details),
    next: [`${source(details)}  # put it on the server`, `${lookUp(details)}  -- then: one row`],
  }),
  'extension-too-old': (details) => ({
    happened: [
      `${details.service}: the extension ${details.name} is too old on the server of ${details.database}`,
      `  wanted: at least ${details.wanted}, found: ${details.found}`,
    ],
    state: untouched(details),
    next: [
      `${source(details)}  # put a newer one on the server`,
      `${lookUp(details)}  -- then: ${details.wanted} or later`,
    ],
  }),
  'database-owner': (details) => ({
    happened: [
      `${details.service}: the database ${details.name} belongs to somebody else`,
      `  wanted: owner ${details.wanted}, found: owner ${details.found}`,
    ],
    state: untouched(details),
    next: [
      `ALTER DATABASE ${sqlName(details.name)} OWNER TO ${sqlName(details.wanted)};  -- if it is truly this service's database`,
    ],
  }),
  'admin-needed': (details, context) => ({
    happened: [
      `${details.service}: ${details.name} has to be made, and no admin role is configured for its server`,
      `  wanted: ${details.wanted}, found: ${details.found}`,
    ],
    state: untouched(details),
    next: [
      `url: postgresql://<admin role>@<host>:<port>/postgres  # for its server in ${configFile(context)}, with password or passwordFile`,
    ],
  }),
  'role-unlimited': (details, context) => ({
    happened: [
      `${details.service}: the application role ${details.name} may do more than read and write rows in ${details.database}`,
      `  wanted: ${details.wanted}, found: ${details.found}`,
    ],
    state: phraseStanding(details, context),
    next: [
      `name: …  # in prerequisites.roles of ${serviceFile(details, context)}: a role of its own for the application; orch creates it`,
      `access: none  # or, in the same place: the role merely has to exist`,
    ],
  }),
  privilege: (details, context) => ({
    happened: [
      `${details.service}: the role ${details.name} may not do what is needed in ${details.database}`,
      `  wanted: ${details.wanted}, found: ${details.found}`,
    ],
    state: phraseStanding(details, context),
    next: [
      `ALTER DATABASE ${sqlName(details.database)} OWNER TO ${sqlName(details.name)};  -- as an admin`,
      'orch plan',
    ],
  }),
  setting: (details) => ({
    happened: [
      `${details.service}: ${details.name} is ${details.found} in ${details.database}, and the role may not change that`,
      `  wanted: ${details.wanted}; with ${details.found} no trigger and no foreign key is heeded`,
    ],
    state: untouched(details),
    next: [
      `SELECT setdatabase, setrole::regrole, setconfig FROM pg_db_role_setting;  -- who set it`,
      `ALTER ROLE … RESET ${details.name};  -- as an admin; or ALTER DATABASE ${sqlName(details.database)} RESET ${details.name};`,
    ],
  }),
};

function untouched(details: Details): string {
  return `nothing was applied to ${details.database}.`;
}

/** Debian's packages carry the server's major version in their names; pgvector has an image of its own. */
function source(details: Details): string {
  return details.name === 'vector' ? 'image: pgvector/pgvector:pg17' : `apt-get install postgresql-17-${details.name}`;
}

function lookUp(details: Details): string {
  return `SELECT name, default_version FROM pg_available_extensions WHERE name = ${sqlText(details.name)};`;
}

function serviceFile({ service }: Details, context: PhraseContext): string {
  const file = findService(context, service)?.file;
  return file === undefined ? 'its service.yaml' : shownPath(file, context.cwd);
}

function configFile(context: PhraseContext): string {
  return context.project === undefined ? 'orchestrator.config.yaml' : shownPath(context.project.file, context.cwd);
}
