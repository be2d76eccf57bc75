import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createRevisionStore } from '../../src/adapters/files/revision-store.ts';
import { postgresBlockers } from '../../src/adapters/postgres/blockers.ts';
import { PostgresDatabase } from '../../src/adapters/postgres/database.ts';
import { postgresIndexBuilds } from '../../src/adapters/postgres/index-builds.ts';
import { PostgresLedger } from '../../src/adapters/postgres/ledger.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { systemRandom } from '../../src/adapters/system/random.ts';
import type { Event } from '../../src/core/event.ts';
import type { StepOf } from '../../src/core/plan.ts';
import type { Project, Service } from '../../src/core/project.ts';
import { requireRunnable } from '../../src/core/sql/sql-text.ts';
import { applyRevision } from '../../src/engine/apply-revision.ts';
import { TargetSession } from '../../src/engine/target-session.ts';
import type { Location } from '../../src/ports/database.ts';
import type { Run } from '../../src/ports/run.ts';

export interface FileRunner {
  readonly events: readonly Event[];
  readonly target: TargetSession;
  /** Applies without any check of the text. */
  applyStep(step: StepOf<'apply-revision'>): Promise<string | undefined>;
  /** Writes a revision file, checks it as a plan does, and applies it. @returns the step's note */
  apply(name: string, text: string, resumeAt?: number): Promise<string | undefined>;
}

/** Applies files with the engine itself, on a real database that has a ledger; what it opens is closed after the test. */
export async function fileRunner(service: Service, location: Location): Promise<FileRunner> {
  const folder = mkdtempSync(join(tmpdir(), 'orch-files-'));
  const events: Event[] = [];
  const writer = { run: randomUUID(), host: 'here', version: '1' };
  const ledger = new PostgresLedger();
  const revisions = createRevisionStore({ root: folder, workingFolder: folder });
  const run = {
    project: {
      policies: { lockTimeout: 0, lockRetry: 0, statementTimeout: 0, lockWait: 0, failFast: false, concurrency: 1 },
    } as unknown as Project,
    ports: {
      clock: systemClock,
      random: systemRandom,
      blockers: postgresBlockers,
      indexBuilds: postgresIndexBuilds,
      database: new PostgresDatabase({ run: writer.run }),
      ledger,
      revisions,
      targets: { owner: () => location },
      emit: (event: Event) => void events.push(event),
    },
    writer,
    signal: new AbortController().signal,
  } as unknown as Run;
  const target = new TargetSession(run, service);
  onTestFinished(async () => {
    await target.close();
    rmSync(folder, { recursive: true });
  });
  await ledger.create(await target.keeper(), service, writer);
  // As `performStep` does: after a failure the sessions are given up.
  const apply = async (step: StepOf<'apply-revision'>): Promise<string | undefined> => {
    try {
      return await applyRevision(run, target, step);
    } catch (error) {
      await target.close();
      throw error;
    }
  };
  return {
    events,
    applyStep: apply,
    target,
    async apply(name, text, resumeAt = 0) {
      const revisionsFolder = join(folder, name);
      mkdirSync(revisionsFolder, { recursive: true });
      writeFileSync(join(revisionsFolder, `${name}.up.sql`), text);
      const { revisions: loaded } = await revisions.load({ ...service, revisions: revisionsFolder, seeds: undefined });
      const revision = loaded[0];
      if (revision === undefined) throw new Error('no revision was loaded');
      requireRunnable(service.name, [revision]);
      const step = { kind: 'apply-revision', id: name, subject: { service: service.name, database: service.database } };
      return await apply({ ...step, revision, resumeAt } as unknown as StepOf<'apply-revision'>);
    },
  };
}
