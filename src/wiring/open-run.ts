import { randomUUID } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import { hostname } from 'node:os';
import { createRevisionStore } from '../adapters/files/revision-store.ts';
import { revisionWriter } from '../adapters/files/write-revisions.ts';
import { AdvisoryLock } from '../adapters/postgres/advisory-lock.ts';
import { postgresBlockers } from '../adapters/postgres/blockers.ts';
import { configuredTargets } from '../adapters/postgres/configured-targets.ts';
import { PostgresDatabase } from '../adapters/postgres/database.ts';
import { postgresIndexBuilds } from '../adapters/postgres/index-builds.ts';
import { introspection } from '../adapters/postgres/introspect.ts';
import { PostgresLedger } from '../adapters/postgres/ledger.ts';
import { offlineSql } from '../adapters/postgres/offline-sql.ts';
import { PatientDatabase } from '../adapters/postgres/patient-database.ts';
import { PostgresReadiness } from '../adapters/postgres/readiness.ts';
import { PostgresServerAdmin } from '../adapters/postgres/server-admin.ts';
import { postgresSessions } from '../adapters/postgres/sessions.ts';
import { findAuthor } from '../adapters/system/author.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { systemRandom } from '../adapters/system/random.ts';
import type { Project } from '../core/project.ts';
import { maskSecrets } from '../core/terminal-text.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Ports, Run } from '../ports/run.ts';
import { VERSION } from '../version.ts';
import { type ChosenRuntime, chooseRuntime, type RuntimeWish } from './choose-runtime.ts';

export interface RunOptions extends RuntimeWish {
  readonly project: Project;
  readonly emit: EventSink;
  /** Aborted with a `Failure` of code `interrupted`. */
  readonly signal: AbortSignal;
}

/** What of the process the adapters may know. */
export interface Surroundings {
  readonly cwd: string;
  readonly pid: number;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/**
 * Builds every port for one run, once; nothing is connected before it is first asked for.
 * @returns the run and its disposer
 * @throws Failure `docker-unavailable` where Compose was asked for and no engine answers
 */
export async function openRun(
  options: RunOptions,
  surroundings: Surroundings,
): Promise<{ readonly run: Run; close(): Promise<void> }> {
  const { project, emit, signal } = options;
  // Everything that waits listens to it, and each database's work waits for several things at once.
  setMaxListeners(0, signal);
  const clean = (text: string): string => maskSecrets(text, project.secrets);
  const writer = { run: randomUUID(), host: hostname(), version: VERSION, clean };
  const { stays } = options;
  const chosen = await chooseRuntime(options, { project, clock: systemClock, emit, surroundings, stays });
  const run: Run = { project, ports: buildPorts(options, chosen, writer.run, surroundings), writer, signal };
  return { run, close: async () => chosen.runtime?.close() };
}

function buildPorts(
  { project, emit, signal }: RunOptions,
  chosen: ChosenRuntime,
  run: string,
  surroundings: Surroundings,
): Ports {
  const clock = systemClock;
  const impatient = new PostgresDatabase({ run });
  const database = new PatientDatabase({
    database: impatient,
    clock,
    servers: project.services.map(({ server }) => server),
    onWait: (server, reason, waited) => emit({ type: 'probe-awaited', server, probe: 'login', reason, waited }),
  });
  const targets = chosen.targets(configuredTargets);
  const { lockWait } = project.policies;
  const admin = new PostgresServerAdmin({
    ...{ database, targets, clock, run, signal, lockWait },
    onLockWait: ({ name }, at, holder, waited) =>
      emit({ type: 'lock-awaited', subject: { service: name, database: at }, holder, waited }),
  });
  const advisory = new AdvisoryLock(clock);
  return {
    clock,
    random: systemRandom,
    database,
    ledger: new PostgresLedger(),
    introspection,
    blockers: postgresBlockers,
    indexBuilds: postgresIndexBuilds,
    offline: offlineSql,
    lock: (location) => (location.sessions === 'one' ? chosen.sharedSessionLock : advisory),
    readiness: new PostgresReadiness(impatient, clock),
    sessions: postgresSessions,
    revisions: createRevisionStore({ root: project.root, workingFolder: surroundings.cwd }),
    authoring: {
      ...revisionWriter,
      findAuthor: () => findAuthor({ cwd: project.root, environment: surroundings.environment }),
      today: () => new Date(),
    },
    admin: chosen.admin(admin),
    targets,
    runtime: chosen.runtime,
    emit,
  };
}
