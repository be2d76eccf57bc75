import type { Project } from '../core/project.ts';
import type { Authoring } from './authoring.ts';
import type { Clock } from './clock.ts';
import type { Database, Location } from './database.ts';
import type { EventSink } from './event-sink.ts';
import type { Introspection } from './introspection.ts';
import type { Ledger, Writer } from './ledger.ts';
import type { Lock } from './lock.ts';
import type { OfflineSql } from './offline-sql.ts';
import type { Readiness } from './readiness.ts';
import type { RevisionStore } from './revision-store.ts';
import type { Runtime } from './runtime.ts';
import type { ServerAdmin } from './server-admin.ts';
import type { Targets } from './targets.ts';

/** Everything that the engine may ask or tell: built once per run by the wiring. */
export interface Ports {
  readonly clock: Clock;
  readonly database: Database;
  readonly ledger: Ledger;
  readonly introspection: Introspection;
  readonly offline: OfflineSql;
  /** Advisory locks where each connection has a session; another kind for PGlite, where they share one. */
  lock(location: Location): Lock;
  readonly readiness: Readiness;
  readonly revisions: RevisionStore;
  readonly authoring: Authoring;
  readonly admin: ServerAdmin;
  readonly targets: Targets;
  /** Undefined where the command looks at no container. */
  readonly runtime: Runtime | undefined;
  readonly emit: EventSink;
}

/** One run of orch over one project. */
export interface Run {
  readonly project: Project;
  readonly ports: Ports;
  readonly writer: Writer;
  /** Aborted with a `Failure` of code `interrupted` on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
}
