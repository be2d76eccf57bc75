import type { RuntimeKind } from '../core/event.ts';
import type { Project } from '../core/project.ts';
import type { Clock } from '../ports/clock.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Lock } from '../ports/lock.ts';
import type { Runtime } from '../ports/runtime.ts';
import type { ServerAdmin } from '../ports/server-admin.ts';
import type { Targets } from '../ports/targets.ts';
import type { Surroundings } from './open-run.ts';

/** What a command wants of a runtime. */
export interface RuntimeWish {
  /** `containers`: services are looked at; `databases`: only where the project's own PostgreSQL lives matters; `files`: nothing is looked at. */
  readonly use: 'containers' | 'databases' | 'files';
  /** `--runtime` or ORCH_RUNTIME; undefined: found out. */
  readonly runtime: RuntimeKind | undefined;
  /** True for `up`, which holds PGlite and the services until it is interrupted. */
  readonly stays: boolean;
}

/** A runtime with what depends on it. */
export interface ChosenRuntime {
  readonly runtime: Runtime | undefined;
  targets(configured: Targets): Targets;
  admin(postgres: ServerAdmin): ServerAdmin;
  /** For databases whose connections share one session. */
  readonly sharedSessionLock: Lock;
}

interface Choice {
  readonly project: Project;
  readonly clock: Clock;
  readonly emit: EventSink;
  readonly surroundings: Surroundings;
  readonly stays: boolean;
}

/**
 * Finds where the services and the project's own PostgreSQL live: as asked for; else with the orch that holds PGlite
 * in another terminal; else in Compose where an engine answers; else embedded. A project whose servers are all somebody
 * else's needs no runtime for its databases, and nothing is probed.
 * @throws Failure `docker-unavailable` where Compose was asked for, is needed, and no engine answers
 */
export async function chooseRuntime(wish: RuntimeWish, choice: Choice): Promise<ChosenRuntime> {
  const { project } = choice;
  if (wish.use === 'files') return withoutRuntime;
  const ownsServers = project.servers.some((server) => server.container !== undefined);
  if (wish.use === 'databases' && (wish.runtime === 'compose' || !ownsServers)) return withoutRuntime;
  if (wish.runtime === 'local') return openLocal(choice);
  if (wish.runtime === 'compose') return openCompose(choice);
  if (await isHeldLocally(project)) return openLocal(choice);
  const { findEngine } = await import('../adapters/compose/find-engine.ts');
  const { engine } = await findEngine(choice.surroundings.environment);
  if (engine === undefined) return openLocal(choice);
  return wish.use === 'databases' ? withoutRuntime : openCompose(choice);
}

/** True: an orch in another terminal holds this project's PGlite. */
async function isHeldLocally(project: Project): Promise<boolean> {
  const { findOwner } = await import('../adapters/local/holder-lock.ts');
  const { localPaths } = await import('../adapters/local/paths.ts');
  return (await findOwner(localPaths(project.root).locks)) !== undefined;
}

/** Databases are where the config says. */
const withoutRuntime: ChosenRuntime = {
  runtime: undefined,
  targets: (configured) => configured,
  admin: (postgres) => postgres,
  sharedSessionLock: {
    acquire: () => Promise.reject(new TypeError('no database here shares its session')),
    release: () => Promise.resolve(),
  },
};

async function openCompose({ project, clock, surroundings, emit }: Choice): Promise<ChosenRuntime> {
  const { requireEngine } = await import('../adapters/compose/find-engine.ts');
  const { openComposeRuntime } = await import('../adapters/compose/runtime.ts');
  const { environment } = surroundings;
  const engine = await requireEngine(environment);
  emit({ type: 'runtime-noted', runtime: 'compose', note: 'chosen', detail: engine.how });
  const composeProject = environment.COMPOSE_PROJECT_NAME;
  return { ...withoutRuntime, runtime: openComposeRuntime({ project, engine, environment, composeProject, clock }) };
}

async function openLocal({ project, clock, surroundings, emit, stays }: Choice): Promise<ChosenRuntime> {
  const { createLocalRuntime } = await import('../adapters/local/runtime.ts');
  const { DatabaseFileLock } = await import('../adapters/local/database-lock.ts');
  const { localPaths } = await import('../adapters/local/paths.ts');
  const { embeddedAdmin, embeddedTargets } = await import('./embedded-databases.ts');
  const { pid } = surroundings;
  const runtime = createLocalRuntime({
    project,
    environment: inherited(surroundings.environment),
    clock,
    pid,
    stays,
    onServiceExited: (service, exitCode, signal) => emit({ type: 'service-exited', service, exitCode, signal }),
    onSeat: (holder) => {
      if (!stays) return;
      if (holder !== undefined) {
        emit({ type: 'runtime-noted', runtime: 'local', note: 'already-held', detail: `pid ${holder}` });
      } else if (project.servers.some(({ container }) => container !== undefined)) {
        emit({ type: 'runtime-noted', runtime: 'local', note: 'limits', detail: undefined });
      }
    },
    onTrouble: (message) => emit({ type: 'runtime-noted', runtime: 'local', note: 'trouble', detail: message }),
  });
  return {
    runtime,
    targets: (configured) => embeddedTargets(configured, runtime),
    admin: (postgres) => embeddedAdmin(postgres, runtime),
    sharedSessionLock: new DatabaseFileLock(localPaths(project.root), clock, pid),
  };
}

/** What a service's process may know of ours: what programs need to run, and none of our secrets. */
function inherited(environment: Surroundings['environment']): Readonly<Record<string, string>> {
  const names = ['PATH', 'HOME', 'USER', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR', 'TEMP', 'SystemRoot', 'NODE_EXTRA_CA_CERTS'];
  return Object.fromEntries(
    names.flatMap((name) => (environment[name] === undefined ? [] : [[name, environment[name]]])),
  );
}
