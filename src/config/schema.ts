import * as z from 'zod';
import { defaultNaming } from '../core/naming.ts';

/**
 * The shape of both config files, written once: the types below are inferred, the JSON Schemas beside this file are
 * generated. `error` of each part is what was expected, as a noun phrase: it ends "expected …". Names and files that
 * must exist, defaults and units are `resolve.ts`'s.
 */

const text = (expected: string) => z.string({ error: expected }).min(1, { error: expected });

const IDENTIFIER = /^[a-z_][a-z0-9_]{0,62}$/;

/** Identifiers are quoted where they are used; this list keeps them free of what has to be quoted at all. */
const identifier = (what: string) => {
  const expected = `${what} (a-z, 0-9 and _, not beginning with a digit, at most 63 bytes)`;
  return z.string({ error: expected }).regex(IDENTIFIER, { error: expected });
};

const NAME = 'a name (a-z, 0-9, - and _, beginning with a letter or digit, at most 63 characters)';
const name = () => z.string({ error: NAME }).regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, { error: NAME });

const DURATION = 'a duration such as 30s, 500ms, 5m, 1h or a number of seconds';
const duration = () =>
  z.union(
    [
      z.number({ error: DURATION }).min(0, { error: DURATION }),
      z.string({ error: DURATION }).regex(/^\d+(?:\.\d+)?(?:ms|s|m|h)?$/, { error: DURATION }),
    ],
    { error: DURATION },
  );

/** A variable puts text where a number is meant; `resolve.ts` checks the range of that. */
const whole = (from: number, to: number) => {
  const expected = `a whole number from ${from} to ${to}`;
  return z.union(
    [
      z.int({ error: expected }).min(from, { error: expected }).max(to, { error: expected }),
      z.string({ error: expected }).regex(/^\d{1,9}$/, { error: expected }),
    ],
    { error: expected },
  );
};

const yesNo = () =>
  z.union([z.boolean({ error: 'true or false' }), z.enum(['true', 'false'], { error: 'true or false' })], {
    error: 'true or false',
  });

const oneOf = <const T extends readonly [string, ...string[]]>(values: T) =>
  z.enum(values, { error: `one of ${values.join(', ')}` });

const mapping = <T extends z.core.$ZodLooseShape>(shape: T) =>
  z.strictObject(shape, { error: 'a mapping of keys to values' });

const list = <T extends z.ZodType>(item: T) => z.array(item, { error: 'a list' });

const password = () =>
  z
    .string({ error: 'text (a number in quotes)' })
    .describe('The password. Better: a variable, ${NAME}, or passwordFile.');

const passwordFile = () =>
  text('the path of a file').describe(
    'A file that holds the password, such as a Docker secret; relative to this file. A newline at its end is left out.',
  );

const CONTAINER = 'the name of a Compose service';
const URL_WORDS = 'a connection URL such as postgresql://role@host:5432/database';

const server = mapping({
  url: text(URL_WORDS).describe(
    'How the role that prepares databases reaches the server. postgres://, postgresql:// and the forms of SQLAlchemy ' +
      '(postgresql+psycopg://…), with ?sslmode=, sslrootcert=, sslcert=, sslkey=, host=, port= and allowPooler=.',
  ),
  password: password().optional(),
  passwordFile: passwordFile().optional(),
  container: text(CONTAINER)
    .optional()
    .describe('The Compose service that this server is. Without it: a server that orch never starts.'),
  readyTimeout: duration()
    .optional()
    .describe('How long to wait until the server accepts work, and has a place for one more session.')
    .meta({ default: '60s' }),
  allowPooler: yesNo()
    .optional()
    .describe(
      'The URL leads to a connection pooler that gives each session a server connection of its own (PgBouncer with ' +
        'pool_mode = session). Otherwise a pooler is refused: behind it, locks and settings belong to nobody.',
    )
    .meta({ default: false }),
}).describe('A PostgreSQL server.');

const policies = mapping({
  lockWait: duration()
    .optional()
    .describe("How long to wait for another orch's lock on a database.")
    .meta({ default: '60s' }),
  lockTimeout: duration()
    .optional()
    .describe(
      'lock_timeout of the first try of a revision that sets none itself; it grows with each try, up to four times as ' +
        'long. 0s: none, so that a statement waits for its lock as long as it takes, and the application behind it.',
    )
    .meta({ default: '500ms' }),
  lockRetry: duration()
    .optional()
    .describe(
      'How long a revision that could not have a lock in time (55P03), or met a deadlock (40P01), is rolled back and ' +
        'tried again. 0s: one try.',
    )
    .meta({ default: '2m' }),
  statementTimeout: duration()
    .optional()
    .describe('statement_timeout of revisions that set none themselves; 0s: none.')
    .meta({ default: '0s' }),
  failFast: yesNo()
    .optional()
    .describe('Stop everything at the first failure instead of going on with the services that can go on.')
    .meta({ default: false }),
  concurrency: whole(1, 64).optional().describe('Databases worked on at the same time.').meta({ default: 4 }),
}).describe('How orch behaves.');

const PATTERN = 'a pattern such as ix_{table}_{columns}';
const pattern = (what: string, fallback: string) =>
  text(PATTERN).optional().describe(`The name of ${what}.`).meta({ default: fallback });

const naming = mapping({
  pk: pattern('a primary key', defaultNaming.pk),
  ix: pattern('an index', defaultNaming.ix),
  uq: pattern('a unique constraint', defaultNaming.uq),
  fk: pattern('a foreign key', defaultNaming.fk),
  ck: pattern('a check', defaultNaming.ck),
}).describe(
  'How constraints and indexes are named in new revision files: {table}, {columns}, {column}, {referred_table} and ' +
    '{name}, or the words of SQLAlchemy such as %(table_name)s. Names over 63 bytes are shortened.',
);

/** `orchestrator.config.yaml`. */
export const orchestratorSchema = mapping({
  project: name().describe("The project's name; also the Compose project."),
  environment: oneOf(['development', 'test', 'staging', 'production'])
    .optional()
    .describe('reset and seeds are for development only.')
    .meta({ default: 'production' }),
  compose: mapping({
    files: list(text('the path of a Compose file'))
      .min(1, { error: 'at least one Compose file' })
      .describe('Compose files, relative to this file, in the order of docker compose -f.'),
  })
    .optional()
    .describe('The Compose side of the project. Without it orch starts no containers.'),
  servers: z
    .record(name(), server, { error: 'a mapping of server names to servers' })
    .optional()
    .describe('The PostgreSQL servers by name. Not needed where each service has a url of its own.'),
  policies: policies.optional(),
  templates: text('the path of a folder')
    .optional()
    .describe('A folder with templates for new revision files, such as revision.up.sql; relative to this file.'),
  naming: naming.optional(),
  services: list(text('the path of a service.yaml'))
    .min(1, { error: 'at least one service' })
    .describe("The services' files, relative to this file."),
}).meta({ title: 'orchestrator.config.yaml', description: 'A project of orch: its servers, policies and services.' });

const role = mapping({
  name: identifier('a role name').describe("The role's name."),
  password: password().optional(),
  passwordFile: passwordFile().optional(),
  access: oneOf(['application', 'none'])
    .optional()
    .describe("application: reads and writes the owner's tables, no DDL. none: the role merely exists.")
    .meta({ default: 'application' }),
}).describe('A role that must exist.');

const EXTENSION = 'an extension name such as pgcrypto or uuid-ossp';
const extensionName = () => z.string({ error: EXTENSION }).regex(/^[a-z_][a-z0-9_-]{0,62}$/, { error: EXTENSION });
const VERSION = "a version in quotes such as '0.7'";

const extension = z
  .union(
    [
      extensionName(),
      mapping({
        name: extensionName().describe("The extension's name."),
        version: z
          .string({ error: VERSION })
          .regex(/^\d+(?:\.\d+){0,3}$/, { error: VERSION })
          .optional()
          .describe('The lowest version that serves, in quotes (0.10 without them is the number 0.1).'),
      }),
    ],
    { error: 'an extension name, or a mapping with name and version' },
  )
  .describe('An extension that must be installed in the database.');

const HTTP_URL = 'a URL such as http://127.0.0.1:8001/health';

/** A `service.yaml`. */
export const serviceSchema = mapping({
  name: name().describe("The service's name, as on the command line."),
  database: identifier('a database name')
    .optional()
    .describe("The service's own database. Needed unless url names it."),
  server: text('the name of a server')
    .optional()
    .describe('A server of orchestrator.config.yaml. Default: the only one.'),
  url: text(URL_WORDS).optional().describe('Instead of server: an existing database of its own, reached as its owner.'),
  owner: mapping({
    role: identifier('a role name')
      .optional()
      .describe('Owns the database and what is in it. Needed unless url names it.'),
    password: password().optional(),
    passwordFile: passwordFile().optional(),
  })
    .optional()
    .describe('The role that owns the database; revisions are applied as this role.'),
  prerequisites: mapping({
    roles: list(role).optional().describe('Roles that must exist, besides the owner.'),
    extensions: list(extension).optional().describe('Extensions that must be installed in the database.'),
  })
    .optional()
    .describe('What must be there before the first revision; orch creates what is missing.'),
  revisions: text('the path of a folder')
    .optional()
    .describe('The folder of revision files, relative to this file.')
    .meta({ default: 'revisions' }),
  schema: text('the path of a file or folder')
    .optional()
    .describe(
      'The schema as it is wanted, as SQL: a file, or a folder of *.sql files taken by name; relative to this file. ' +
        '`orch revision --autogenerate` compares it with what the revisions leave. Nothing else reads it.',
    ),
  seeds: text('the path of a folder')
    .optional()
    .describe(
      'A folder of files numbered like revisions, applied once after them where the environment is development.',
    ),
  variables: z
    .record(
      z.string().regex(/^[a-z_][a-z0-9_]*$/, { error: 'the name of a variable (a-z, 0-9 and _)' }),
      z.union([z.string(), z.number(), z.boolean()], { error: 'text, a number, true or false' }),
      { error: 'a mapping of variables to values' },
    )
    .optional()
    .describe(
      'Values for the variables that revision files name with `-- orch:variables`; put in as quoted identifiers or ' +
        'literals only, and recorded in the ledger: nothing secret. --set puts another value in their place.',
    ),
  container: text(CONTAINER)
    .optional()
    .describe('The Compose service that this service is. Without it there is nothing to start.'),
  health: mapping({
    url: z
      .string({ error: HTTP_URL })
      .regex(/^https?:\/\/[^\s/]+/, { error: HTTP_URL })
      .optional()
      .describe('Answers 200 when the service is healthy. Without it the health check of the container decides.'),
    timeout: duration().optional().describe('How long to wait for that.').meta({ default: '60s' }),
  })
    .optional()
    .describe('How to tell that the service is healthy.'),
  needs: list(text('the name of a service'))
    .optional()
    .describe('Services that must be healthy before this one starts.'),
  local: mapping({
    command: list(text('a part of the command as text'))
      .min(1, { error: 'a command' })
      .describe('The program and its arguments, run in the folder of this file.'),
    port: whole(1, 65_535).optional().describe('The port it listens on; given to it as PORT.'),
    environment: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'the name of a variable' }),
        z.union([z.string(), z.number(), z.boolean()], { error: 'text, a number, true or false' }),
        { error: 'a mapping of variables to values' },
      )
      .optional()
      .describe('More variables for it.'),
  })
    .optional()
    .describe('How the service runs without Docker.'),
}).meta({
  title: 'service.yaml',
  description: 'A service of orch: its database, prerequisites, revisions and health.',
});

export type OrchestratorConfig = z.infer<typeof orchestratorSchema>;
export type ServiceConfig = z.infer<typeof serviceSchema>;
