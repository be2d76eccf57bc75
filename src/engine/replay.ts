import pLimit from 'p-limit';
import { Failure, isFailure } from '../core/failure.ts';
import type { ObservedDatabase } from '../core/observed.ts';
import type { Step } from '../core/plan.ts';
import { Draft } from '../core/planners/draft.ts';
import { type History, planUpgrade } from '../core/planners/upgrade.ts';
import type { Service } from '../core/project.ts';
import type { Revision } from '../core/revision.ts';
import type { Catalog } from '../core/schema/catalog.ts';
import { DatabaseError } from '../ports/database.ts';
import type { EventSink } from '../ports/event-sink.ts';
import type { Run } from '../ports/run.ts';
import { asFailure } from './database-failure.ts';
import { observe } from './observe.ts';
import { performStep } from './steps.ts';
import { TargetSessions } from './target-sessions.ts';

/** What is to be replayed. */
export interface Replay {
  readonly service: Service;
  readonly history: History;
  /** Roles of the config that the server does not have; the replay makes none on a server, where they would outlive it. */
  readonly missingRoles: readonly string[];
  /** For the name of the throwaway. */
  readonly purpose: 'baseline' | 'autogenerate';
  /** Called with what each revision left, base first; absent: nobody wants to know. */
  readonly visit?: (applied: readonly Revision[], catalog: Catalog) => void;
  /** Called once all of them are applied, while the throwaway is still there. */
  readonly finish?: (throwaway: Throwaway) => Promise<void>;
}

/** A database in which anything may be tried. */
export interface Throwaway {
  /** @throws Failure `connection-lost`, `step-refused` */
  catalog(): Promise<Catalog>;
  /**
   * Runs a text in a transaction and commits it; rolled back where the server refuses something.
   * @returns what it refused; undefined: nothing
   * @throws Failure `connection-lost`
   */
  attempt(sql: string): Promise<string | undefined>;
}

/**
 * Applies revisions one after another in throwaway databases, as many at a time as the policy allows: the same steps that
 * `migrate` would do. Each database is made beside the service's own, on its server or as another PGlite, and dropped in
 * every case. The services' own databases are not touched. Seeds are not replayed: they bring rows.
 * @returns the failure of each replay, in their order; undefined: all went well
 */
export async function replayAll(run: Run, replays: readonly Replay[]): Promise<readonly (Failure | undefined)[]> {
  const limit = pLimit(Math.max(1, run.project.policies.concurrency));
  const ends = await Promise.allSettled(
    replays.map((replay) => limit(() => new ThrowawayReplay(run, replay).perform())),
  );
  return ends.map((end) => {
    if (end.status === 'fulfilled') return undefined;
    if (end.reason instanceof Failure) return end.reason;
    throw end.reason;
  });
}

/** The longest name that PostgreSQL keeps, in bytes; names of the config are ASCII. */
const LONGEST = 63;

/** `orch_baseline_1f0c9a2b_authdb`: whoever finds one that a killed orch left behind knows what it is. */
function throwawayName(run: Run, service: Service, purpose: Replay['purpose']): string {
  const place = run.project.services.findIndex(({ name }) => name === service.name);
  const own = `orch_${purpose}_${run.writer.run.slice(0, 8)}_`;
  const whole = `${own}${service.database}`;
  return whole.length <= LONGEST ? whole : `${own}${place}_${service.database}`.slice(0, LONGEST);
}

class ThrowawayReplay {
  readonly #run: Run;
  readonly #replay: Replay;
  readonly #service: Service;
  readonly #sessions: TargetSessions;
  /** What was half made has to be dropped as well. */
  #mayExist = true;

  constructor(run: Run, replay: Replay) {
    const { service, missingRoles, purpose } = replay;
    const isServer = run.ports.targets.owner(service).sessions === 'many';
    // A PGlite has roles of its own, which go with it.
    const roles = service.roles.filter(({ name }) => !isServer || !missingRoles.includes(name));
    this.#replay = replay;
    this.#service = { ...service, database: throwawayName(run, service, purpose), roles };
    // What is tried is no progress of the run, and its steps are in no plan that was shown.
    const emit: EventSink = (event) => (event.type === 'step-progressed' ? undefined : run.ports.emit(event));
    const ports = { ...run.ports, emit };
    this.#run = { ...run, ports, project: { ...run.project, services: [this.#service] } };
    this.#sessions = new TargetSessions(this.#run);
  }

  async perform(): Promise<void> {
    this.#run.signal.throwIfAborted();
    const faults: unknown[] = [];
    const note = (error: unknown): void => void faults.push(error);
    await this.#work().catch(note);
    if (this.#mayExist) await this.#discard().catch(note);
    if (faults.length > 0) throw faults.find((fault) => isFailure(fault, 'throwaway-left')) ?? faults[0];
  }

  async #work(): Promise<void> {
    await this.#guarded('create-database', () => this.#create());
    await this.#walk(await this.#plan());
    await this.#replay.finish?.({
      catalog: () => this.#catalog(),
      attempt: (sql) => this.#guarded('trying it out', () => this.#attempt(sql)),
    });
  }

  async #discard(): Promise<void> {
    try {
      await this.#sessions.close();
      await this.#run.ports.admin.discardDatabase(this.#service);
    } catch (cause) {
      // Without an admin role nothing was made.
      throw isFailure(cause, 'prerequisite-unmet') ? cause : leftBehind(this.#service, cause);
    }
  }

  /** PGlite: opening a database makes it. A server: the admin role does. */
  async #create(): Promise<void> {
    const { admin, runtime } = this.#run.ports;
    const { server } = this.#service;
    if (runtime?.kind === 'local' && server.container !== undefined) {
      await runtime.startServer(server, [this.#service], this.#run.signal);
    }
    await admin.createDatabase(this.#service).catch((error: unknown) => {
      // It never came to that: another orch prepares the server.
      if (isFailure(error, 'lock-held')) this.#mayExist = false;
      throw error;
    });
  }

  async #plan(): Promise<readonly Step[]> {
    const observed = await observe(this.#run, this.#sessions, [this.#service], { containers: false, wait: false });
    const found = observed.services.get(this.#service.name);
    if (found === undefined || found instanceof Failure) throw found ?? new TypeError('nothing was observed');
    const draft = new Draft(this.#service);
    // What a server's template brings is in the service's own database too.
    const database: ObservedDatabase = { ...found.database, contents: undefined };
    planUpgrade(draft, this.#service, database, { ...this.#replay.history, seeds: [] }, 'heads');
    return draft.steps;
  }

  async #walk(steps: readonly Step[]): Promise<void> {
    const applied: Revision[] = [];
    const first = steps.findIndex(({ kind }) => kind === 'apply-revision');
    for (const [at, step] of steps.entries()) {
      if (at === first) await this.#visit(applied);
      this.#run.signal.throwIfAborted();
      await performStep(this.#run, this.#sessions, step);
      if (step.kind !== 'apply-revision') continue;
      applied.push(step.revision);
      await this.#visit(applied);
    }
    if (first < 0) await this.#visit(applied);
  }

  async #visit(applied: readonly Revision[]): Promise<void> {
    const { visit } = this.#replay;
    if (visit !== undefined) visit([...applied], await this.#catalog());
  }

  async #catalog(): Promise<Catalog> {
    const { introspection } = this.#run.ports;
    const keeper = await this.#sessions.of(this.#service).keeper();
    return await this.#guarded('introspect', () => introspection.catalog(keeper));
  }

  async #attempt(sql: string): Promise<string | undefined> {
    const target = this.#sessions.of(this.#service);
    const worker = await target.worker();
    try {
      await worker.run(`BEGIN;\n${sql}\n;COMMIT`, { rowsOf: 'none' });
      return undefined;
    } catch (error) {
      if (!(error instanceof DatabaseError) || error.connection) throw error;
      if (worker.transaction !== 'none') await worker.run('ROLLBACK');
      return `${error.message} (${error.sqlstate})`;
    } finally {
      target.resetWorker();
    }
  }

  async #guarded<T>(during: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (this.#run.signal.aborted) throw this.#run.signal.reason;
      if (!(error instanceof DatabaseError)) throw error;
      throw asFailure(error, this.#sessions.of(this.#service), during);
    }
  }
}

function leftBehind({ name: service, database }: Service, cause: unknown): Failure<'throwaway-left'> {
  const reason = cause instanceof Failure ? cause.code : String(cause instanceof Error ? cause.message : cause);
  return new Failure('throwaway-left', { service, database, reason }, { cause });
}
