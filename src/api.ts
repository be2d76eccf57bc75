import { upgrade as upgradeRun } from './app/upgrade.ts';
import { loadProject } from './config/load-project.ts';
import type { Event } from './core/event.ts';
import { Failure } from './core/failure.ts';
import type { Outcome } from './core/outcome.ts';
import { openRun } from './wiring/open-run.ts';

/** What `upgrade` takes; all of it may be left out. */
export interface UpgradeOptions {
  /** The config file; absent: `orchestrator.config.yaml` in the working folder or a parent. */
  readonly config?: string;
  /** Names of services; absent: all. */
  readonly services?: readonly string[];
  /** A revision as `orch migrate` takes it; absent: `head`. */
  readonly target?: string;
  /** How long to wait for another orch's lock, in ms; absent: the config's policy. */
  readonly lockWait?: number;
  /** Told what happens while it happens. */
  readonly onEvent?: (event: Event) => void;
  /** Cancels the running statement, rolls back and unlocks. */
  readonly signal?: AbortSignal;
}

/**
 * Brings databases to their target before a service serves: what `orch migrate` does, for a service's own start-up.
 * Several replicas may call it at once: one applies, the others wait and find nothing to do.
 * @returns what was done, service by service
 * @throws Failure the first failure of the run; its `code` says which
 */
export async function upgrade(options: UpgradeOptions = {}): Promise<Outcome> {
  const cwd = process.cwd();
  const environment = process.env;
  const loaded = await loadProject({ cwd, configPath: options.config, env: environment });
  const lockWait = options.lockWait ?? loaded.policies.lockWait;
  const project = { ...loaded, policies: { ...loaded.policies, lockWait } };
  const { run, close } = await openRun(
    {
      project,
      use: 'databases',
      runtime: undefined,
      stays: false,
      emit: options.onEvent ?? (() => undefined),
      signal: options.signal ?? new AbortController().signal,
    },
    { cwd, pid: process.pid, environment },
  );
  try {
    const { services = [], target = 'head' } = options;
    const outcome = await upgradeRun(run, { services, target, failFast: project.policies.failFast });
    const [failure] = outcome.failures;
    if (failure !== undefined) throw failure;
    return outcome;
  } finally {
    await close();
  }
}

export type { SqlFragment } from './core/sql/fragment.ts';
export type { Batch, BatchSource, RevisionConfig, RevisionHandle } from './ports/revision-handle.ts';
export type { RevisionFunction } from './ports/revision-store.ts';
export type { Event, Outcome };
export { Failure };
