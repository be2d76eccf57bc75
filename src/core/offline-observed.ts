import type { LedgerRow, Observed, ObservedDatabase } from './observed.ts';
import { type History, LEDGER_FORMAT } from './planners/upgrade.ts';
import type { Service } from './project.ts';
import type { Revision } from './revision.ts';

/** What is there when a script begins, as far as its range says it. */
export interface OfflineStart {
  readonly service: Service;
  readonly history: History;
  /** Applied revisions, parents first; empty: base. */
  readonly applied: readonly Revision[];
  readonly seeds: readonly Revision[];
  /** True: the script makes the database too. */
  readonly makesDatabase: boolean;
}

/** The observation that planners get where there is no database to look at: at base nothing is there, else all that is needed. */
export function offlineObserved(starts: readonly OfflineStart[]): Observed {
  const entries = starts.map(
    (start) => [start.service.name, { database: databaseOf(start), container: undefined }] as const,
  );
  return { services: new Map(entries) };
}

function databaseOf({ service, applied, seeds, makesDatabase }: OfflineStart): ObservedDatabase {
  const isBase = applied.length === 0;
  const roles = [service.owner.role, ...service.roles.map(({ name }) => name)];
  return {
    exists: !(isBase && makesDatabase),
    owner: service.owner.role,
    ledger: isBase ? undefined : { format: LEDGER_FORMAT, rows: [...applied, ...seeds].map(rowOf) },
    extensions: service.extensions.map(({ name, minimumVersion }) => {
      const version = minimumVersion ?? '0';
      return { name, installed: isBase ? undefined : version, available: version };
    }),
    missingRoles: isBase ? roles : [],
    rolesWithoutAccess: isBase
      ? service.roles.filter(({ access }) => access === 'application').map(({ name }) => name)
      : [],
  };
}

function rowOf(revision: Revision): LedgerRow {
  const { kind, id, name, parents, up, down } = revision;
  return {
    ...{ kind, id, name, parents },
    checksum: up.checksum,
    state: 'applied',
    statementsDone: 0,
    appliedAt: '',
    duration: 0,
    role: '',
    host: '',
    orchVersion: '',
    run: '',
    requires: revision.requires.map((required) => `${required.service}@${required.revision}`),
    downChecksum: down?.checksum,
    upFile: up.file,
    downFile: down?.file,
    variables: revision.values ?? {},
    note: undefined,
    fileGone: false,
  };
}
