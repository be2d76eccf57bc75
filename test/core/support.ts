import { defaultNaming } from '../../src/core/naming.ts';
import type { LedgerRow, ObservedContainer, ObservedDatabase } from '../../src/core/observed.ts';
import { formatStep, type Plan } from '../../src/core/plan.ts';
import type { Project, Server, Service } from '../../src/core/project.ts';
import type { Revision } from '../../src/core/revision.ts';

const tls = { mode: 'disable', rootCertificate: undefined, certificate: undefined, key: undefined } as const;

const server: Server = {
  name: 'main',
  host: '127.0.0.1',
  port: 5432,
  tls,
  admin: { role: 'postgres', password: undefined },
  maintenanceDatabase: 'postgres',
  container: 'postgres',
  readyTimeout: 1000,
};

/** A service as the config would give it; `auth` has database `authdb`, owner `auth_owner` and application role `auth_app`. */
export function service(name: string, fields: Partial<Service> = {}): Service {
  return {
    name,
    database: `${name}db`,
    server,
    owner: { role: `${name}_owner`, password: undefined },
    roles: [{ name: `${name}_app`, password: undefined, access: 'application' }],
    extensions: [],
    folder: `/project/${name}`,
    revisions: `/project/${name}/revisions`,
    seeds: undefined,
    container: name,
    health: { url: undefined, timeout: 1000 },
    local: undefined,
    needs: [],
    file: `/project/${name}/service.yaml`,
    ...fields,
  };
}

export function project(services: readonly Service[], fields: Partial<Project> = {}): Project {
  return {
    name: 'sample',
    root: '/project',
    file: '/project/orchestrator.config.yaml',
    environment: 'development',
    composeFiles: [],
    templates: undefined,
    naming: defaultNaming,
    servers: [server],
    services,
    policies: { lockWait: 0, lockTimeout: 0, statementTimeout: 0, failFast: false, concurrency: 4 },
    secrets: [],
    ...fields,
  };
}

/** Revisions from edges: `'1 -> 2 -> 3, 2 -> 4'`; a lone name has no parents. In the order in which they are named. */
export function revisions(edges: string): readonly Revision[] {
  const parents = new Map<string, string[]>();
  for (const chain of edges.split(',')) {
    const names = chain.split('->').map((name) => name.trim());
    for (const [index, name] of names.entries()) {
      const known = parents.get(name) ?? [];
      const parent = names[index - 1];
      parents.set(name, parent === undefined ? known : [...known, parent]);
    }
  }
  return [...parents].map(([name, parentNames]) => revision(name, parentNames));
}

export function revision(name: string, parents: readonly string[] = [], fields: Partial<Revision> = {}): Revision {
  const text = {
    language: 'sql',
    text: '',
    length: 0,
    transaction: 'single',
    statements: [],
    faults: [],
    wrapped: false,
    routines: { procedures: [], called: [] },
    pieces: () => [],
  } as const;
  return {
    kind: 'revision',
    id: /^\d+/.exec(name)?.[0] ?? name,
    name,
    message: name,
    parents,
    up: { ...text, file: `/project/${name}.up.sql`, checksum: `sum-of-${name}` },
    down: { ...text, file: `/project/${name}.down.sql`, checksum: `sum-of-down-${name}` },
    lockTimeout: undefined,
    statementTimeout: undefined,
    labels: [],
    requires: [],
    irreversible: undefined,
    variables: [],
    author: undefined,
    created: undefined,
    ...fields,
  };
}

/** The ledger rows that applying these revisions leaves. */
export function applied(list: readonly Revision[]): readonly LedgerRow[] {
  return list.map((item) => row(item));
}

export function row(item: Revision, fields: Partial<LedgerRow> = {}): LedgerRow {
  return {
    kind: item.kind,
    id: item.id,
    name: item.name,
    parents: item.parents,
    checksum: item.up.checksum,
    state: 'applied',
    statementsDone: 0,
    appliedAt: '2026-01-01T00:00:00.000Z',
    duration: 1,
    role: 'owner',
    host: 'host',
    orchVersion: '0.0.0',
    run: 'run',
    requires: item.requires.map(({ service: other, revision: name }) => `${other}@${name}`),
    downChecksum: item.down?.checksum,
    upFile: item.up.file.split('/').at(-1) ?? '',
    downFile: item.down?.file.split('/').at(-1),
    variables: {},
    note: undefined,
    fileGone: false,
    ...fields,
  };
}

/** A database that has everything it needs, with these rows in its ledger. */
export function database(owner: Service, rows: readonly LedgerRow[] | undefined): ObservedDatabase {
  return {
    exists: true,
    owner: owner.owner.role,
    ledger: rows === undefined ? undefined : { format: 1, rows },
    extensions: owner.extensions.map(({ name }) => ({ name, installed: '1.0', available: '1.0' })),
    missingRoles: [],
    rolesWithoutAccess: [],
  };
}

/** A server on which nothing of the service exists. */
export function nothing(owner: Service): ObservedDatabase {
  return {
    exists: false,
    owner: undefined,
    ledger: undefined,
    extensions: [],
    missingRoles: [owner.owner.role, ...owner.roles.map((role) => role.name)],
    rolesWithoutAccess: owner.roles.map((role) => role.name),
  };
}

export function container(fields: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    state: 'running',
    health: 'healthy',
    upToDate: true,
    url: undefined,
    image: undefined,
    imageMissing: false,
    id: undefined,
    ...fields,
  };
}

/** The plan's steps with what each waits for: `auth/authdb  …  because …  after auth/…`. */
export function planText(plan: Plan): string {
  const steps = plan.steps.map(
    (step) => `${formatStep(step)}${step.after.length === 0 ? '' : `  after ${step.after.join(' and ')}`}`,
  );
  const refusals = plan.refusals.map(
    ({ subject, failure, needs }) => `${subject.service}  refused: ${failure?.code ?? `needs ${needs}`}`,
  );
  return `\n${[...steps, ...refusals].join('\n')}\n`;
}
