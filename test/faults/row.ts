import type { Random } from '../config/random.ts';
import type { Ended, RunningOrch } from '../support/orch.ts';
import type { TestPostgres } from '../support/postgres.ts';
import type { ServiceSketch } from '../support/project-folder.ts';
import type { Need } from './needs.ts';
import type { Stage } from './stage.ts';

/** A test file each, so that they run side by side: those of `silence` take long and do nothing meanwhile. */
export type Group =
  | 'kill'
  | 'signal'
  | 'connection'
  | 'refusal'
  | 'silence'
  | 'revision'
  | 'contention'
  | 'server'
  | 'services';

/** What there is before the fault. */
export interface Scene {
  readonly services: Readonly<Record<string, ServiceSketch>>;
  /** How many revisions of each service are applied before; 0: not even the database is there. */
  readonly applied: number;
  /** More lines of the config. */
  readonly yaml?: string;
  readonly environment?: string;
}

/** One row of the fault matrix: data, of which the schedule draws injections. */
export interface Row {
  readonly name: string;
  readonly group: Group;
  /** How often it comes in a round of the schedule. */
  readonly weight: number;
  /** How many of its injections are in the quick form. */
  readonly quick: number;
  readonly need?: Need;
  /** Not run, because what it asks for is not built: what is missing. */
  readonly pending?: string;
  readonly scene: (draw: Random) => Scene;
  /** Another server than the one of the global set-up. */
  readonly server?: () => Promise<TestPostgres>;
  /** Runs orch into the fault; gives how each run ended. */
  readonly inject: (stage: Stage) => Promise<readonly Ended[]>;
  /** True: a place that is drawn may be none of the run, which is then no injection. */
  readonly mayMiss?: boolean;
  /** True: the server loses what it has acknowledged. */
  readonly forgets?: boolean;
  /** Starts the run without the fault; absent: `orch migrate`. */
  readonly again?: (stage: Stage) => RunningOrch;
  /** What else is not as it must be in the end. */
  readonly check?: (stage: Stage) => Promise<readonly string[]>;
  /** How those runs may end, by exit code or signal, and what they then must have said. */
  readonly ends: Readonly<Record<string, readonly RegExp[]>>;
  /** Takes the fault away before orch runs again. */
  readonly mend?: (stage: Stage) => Promise<void>;
  /** Takes it away once the server has ended the first run's sessions, while orch runs again already. */
  readonly mendWhenReleased?: (stage: Stage) => Promise<void>;
}

/** One fault at one place: row and seed say all of it. */
export interface Injection {
  readonly seed: number;
  readonly row: Row;
}

/** What became of one injection. */
export interface Result {
  readonly seed: number;
  readonly row: string;
  /** False: the fault did not take place. */
  readonly hit: boolean;
  /** Revisions without their effect, and with more than one. */
  readonly lost: readonly string[];
  readonly doubled: readonly string[];
  /** Exit codes and messages of the runs with the fault that are not the expected ones. */
  readonly misspoken: readonly string[];
  /** Whatever else is not as it must be. */
  readonly wrong: readonly string[];
  /** How the runs with the fault ended. */
  readonly ends: readonly string[];
  /** From the end of the run with the fault to the end of the one that puts it right, in ms. */
  readonly recovery: number;
  /** How long the server kept the lock of a run that was over, in ms. */
  readonly lockHeld: number;
}
