import { Failure, type FailureDetails } from '../core/failure.ts';
import type { StepOf } from '../core/plan.ts';
import { type IndexBuild, isWide } from '../core/sql/index-build.ts';
import { DatabaseError, type Session } from '../ports/database.ts';
import type { BegunBuild, FoundIndex, FoundTable } from '../ports/index-builds.ts';
import type { Run } from '../ports/run.ts';
import { inLockSession } from './stop.ts';
import type { TargetSession } from './target-session.ts';

/** What REINDEX CONCURRENTLY calls the index that it builds, or the one that it is to drop. */
const REINDEX_LEFTOVER = /_cc(?:new|old)\d*"?$/;

/**
 * Guards one concurrent index build: takes away what an earlier try of it left, and makes sure of what it built. Success
 * is the valid index in the catalog, not the server's word: IF NOT EXISTS passes over an INVALID one (V14).
 */
export class IndexGuard {
  readonly #run: Run;
  readonly #target: TargetSession;
  readonly #step: StepOf<'apply-revision' | 'revert-revision'>;
  readonly #worker: Session;
  readonly #build: IndexBuild;
  #before: readonly string[] = [];
  /** What an earlier run has built of a name that the server chose: which of them is the statement's only its like tells. */
  #finished: readonly FoundIndex[] = [];

  constructor(
    run: Run,
    target: TargetSession,
    guarded: { readonly step: StepOf<'apply-revision' | 'revert-revision'>; readonly worker: Session },
    build: IndexBuild,
  ) {
    this.#run = run;
    this.#target = target;
    this.#step = guarded.step;
    this.#worker = guarded.worker;
    this.#build = build;
  }

  /**
   * To be called before the statement is sent.
   * @returns true: an earlier run has done it, only that could not be recorded any more
   * @throws Failure `index-invalid`
   */
  async prepare(): Promise<boolean> {
    const { indexBuilds } = this.#run.ports;
    const found = await indexBuilds.find(this.#worker, this.#build);
    const begun = await inLockSession(this.#target, (keeper) =>
      indexBuilds.findBegun(keeper, this.#begun(found?.table)),
    );
    if (found === undefined) return this.#build.kind === 'drop' && begun !== undefined;
    const isNew = (index: FoundIndex): boolean => begun !== undefined && !begun.includes(index.name);
    const own = found.indexes.find((index) => index.own);
    if (this.#build.kind === 'create' && own?.valid === true && isNew(own)) return true;
    const leftovers: FoundIndex[] = [];
    for (const index of found.indexes)
      if (!index.valid && isNew(index) && this.#isLeftover(index) && (await this.#drop(index))) leftovers.push(index);
    this.#requireFree(found, own !== undefined && leftovers.includes(own) ? undefined : own);
    const kept = found.indexes.filter((index) => !leftovers.includes(index));
    if (this.#isUnnamed) this.#finished = kept.filter((index) => index.valid && isNew(index));
    this.#before = kept.map(({ name }) => name);
    const before = kept.filter((index) => !this.#finished.includes(index)).map(({ name }) => name);
    await inLockSession(this.#target, (keeper) =>
      indexBuilds.begin(keeper, this.#begun(found.table), before, this.#run.writer),
    );
    return false;
  }

  /** To be called behind the statement. @throws Failure `index-invalid` */
  async verify(): Promise<void> {
    if (this.#build.kind === 'drop') return;
    const found = await this.#run.ports.indexBuilds.find(this.#worker, this.#build);
    if (found === undefined) return;
    const named = this.#build.kind === 'reindex-index' || this.#build.index !== undefined;
    const invalid = found.indexes.find(
      ({ valid, own, name }) => !valid && (named ? own : !this.#before.includes(name)),
    );
    if (invalid !== undefined) throw this.#failure(named ? 'invalid' : 'left', invalid.sql, found);
    if (isWide(this.#build)) this.#warnOfOthers(found);
    const isThere = !named || found.indexes.some(({ own }) => own);
    if (!isThere) throw this.#failure('other-table', found.taken ?? this.#build.index ?? '', found);
    for (const again of this.#builtAgain(found)) await this.#dropAgain(again);
  }

  get #isUnnamed(): boolean {
    return this.#build.kind === 'create' && this.#build.index === undefined;
  }

  /** Those that are what an earlier run has built already: all but the first. */
  #builtAgain({ indexes }: FoundTable): readonly FoundIndex[] {
    const built = indexes.filter(({ name }) => !this.#before.includes(name));
    return built.flatMap(({ definition }) => {
      const like = [...this.#finished, ...built].filter((index) => index.definition === definition);
      return like.slice(1);
    });
  }

  async #dropAgain({ sql }: FoundIndex): Promise<void> {
    await this.#run.ports.indexBuilds.drop(this.#worker, sql);
    const message = `an earlier run had built the index already, and could not record it: ${sql} is dropped again`;
    this.#run.ports.emit({ type: 'notice-received', subject: this.#step.subject, severity: 'WARNING', message });
  }

  #isLeftover({ own, name }: FoundIndex): boolean {
    if (this.#build.kind === 'create') return this.#build.index === undefined || own;
    return this.#build.kind !== 'drop' && REINDEX_LEFTOVER.test(name);
  }

  /** One that is INVALID and not ours may be in the making elsewhere, or be what somebody still wants to look at. */
  #requireFree(found: FoundTable, own: FoundIndex | undefined): void {
    if (this.#build.kind !== 'create') return;
    if (own?.valid === false) throw this.#failure('invalid', own.sql, found);
    if (this.#build.ifNotExists && found.taken !== undefined) throw this.#failure('other-table', found.taken, found);
  }

  /** They were there before, so that they may be in the making elsewhere: REINDEX passes over them. */
  #warnOfOthers({ indexes, table }: FoundTable): void {
    const { ports } = this.#run;
    for (const { sql } of indexes) {
      const message = `${sql} in ${table} was INVALID before, and still is: unless another session is building it (orch locks), a superuser takes it away: DROP INDEX CONCURRENTLY ${sql};`;
      ports.emit({ type: 'notice-received', subject: this.#step.subject, severity: 'WARNING', message });
    }
  }

  /** @returns false: only a superuser may, as for an index of a TOAST table (42501); REINDEX passes over it */
  async #drop({ sql }: FoundIndex): Promise<boolean> {
    try {
      await this.#run.ports.indexBuilds.drop(this.#worker, sql);
    } catch (error) {
      if (isWide(this.#build) && error instanceof DatabaseError && error.sqlstate === '42501') return false;
      throw error;
    }
    const message = `${sql} was left INVALID by an earlier try: it is dropped and built again`;
    this.#run.ports.emit({ type: 'notice-received', subject: this.#step.subject, severity: 'WARNING', message });
    return true;
  }

  #begun(table: string | undefined): BegunBuild {
    const direction = this.#step.kind === 'apply-revision' ? 'up' : 'down';
    return { revision: this.#step.revision, direction, build: this.#build, table };
  }

  #failure(why: FailureDetails['index-invalid']['why'], index: string, { table }: FoundTable): Failure {
    const { service } = this.#target;
    const place = { service: service.name, database: service.database, revision: this.#step.revision.name };
    const direction = this.#step.kind === 'apply-revision' ? 'up' : 'down';
    return new Failure('index-invalid', { ...place, direction, index, table, why });
  }
}
