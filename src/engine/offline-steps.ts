import type { Failure } from '../core/failure.ts';
import type { Step, StepKind, StepOf } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { RecordedCode } from '../core/recorded-code.ts';
import type { CodeText, Revision } from '../core/revision.ts';
import { psqlParts } from '../core/sql/psql-text.ts';
import type { TransactionSettings, Writer } from '../ports/ledger.ts';
import type { ExpectedRow, OfflineSql } from '../ports/offline-sql.ts';
import type { Run } from '../ports/run.ts';
import { LockPace } from './lock-pace.ts';
import { offlineStatements } from './offline-statements.ts';
import { recordCode } from './record-code.ts';
import { revisionConfig } from './revision-config.ts';

/** What a step is written down with. */
export interface OfflineWork {
  readonly run: Run;
  readonly sql: OfflineSql;
  readonly writer: Writer;
  readonly service: Service;
  /** The revisions that the database must have when the script begins. */
  readonly expected: readonly ExpectedRow[];
  /** True: seeds may have been applied before. */
  readonly mayHaveSeeds: boolean;
}

type Writing = AsyncGenerator<string>;
type Handler<K extends StepKind> = (step: StepOf<K>, work: OfflineWork) => Writing;

/** Step kind → how it is written down. Steps of containers, and those that only a database's state calls for, never are. */
const handlers: { readonly [K in StepKind]?: Handler<K> } = {
  'create-role': async function* (step, { sql }) {
    yield sql.createRole(step.role);
  },
  'create-database': async function* (_step, { sql, service }) {
    yield sql.createDatabase(service);
  },
  'acquire-lock': async function* (_step, { sql, service, expected }) {
    yield sql.acquireLock(service);
    yield sql.expectRevisions(service, expected);
  },
  'create-extension': async function* (step, { sql, service }) {
    yield sql.createExtension(service, step.extension);
  },
  'grant-access': async function* (step, { sql, service }) {
    yield sql.grantAccess(service, step.role);
  },
  'create-ledger': async function* (_step, { sql, writer }) {
    yield sql.createLedger(writer);
  },
  'apply-revision': applyRevision,
  'revert-revision': revertRevision,
  'release-lock': async function* (_step, { sql, service }) {
    yield sql.releaseLock(service);
  },
};

/** One step as text for psql, in pieces. Throws TypeError for a step that no offline plan has. */
export function writeStep(step: Step, work: OfflineWork): Writing {
  const handler = handlers[step.kind] as Handler<StepKind> | undefined;
  if (handler === undefined) throw new TypeError(`a script can hold no step ${step.kind}`);
  return handler(step, work);
}

async function* applyRevision({ revision }: StepOf<'apply-revision'>, work: OfflineWork): Writing {
  const { sql } = work;
  const guard = revision.kind === 'seed' && work.mayHaveSeeds ? sql.onlyIf(revision, 'pending') : NO_GUARD;
  yield guard.before;
  const recorded = await record(revision.up, revision, work);
  if (recorded !== undefined && 'reason' in recorded) yield refuse(revision, recorded.reason, sql);
  else if (revision.up.transaction === 'none') yield* applyOutside(revision, recorded, work);
  else {
    yield sql.begin(revision, work.writer, settingsOf(revision, work.run, 'single'));
    yield* textOf(revision, 'up', recorded, work);
    yield sql.commit(work.service, revision, work.writer);
  }
  yield guard.after;
}

async function* applyOutside(revision: Revision, recorded: RecordedCode | undefined, work: OfflineWork): Writing {
  const { sql, writer, service, run } = work;
  yield sql.start(revision, writer, settingsOf(revision, run, 'none'));
  yield* textOf(revision, 'up', recorded, work);
  yield sql.finish(service, revision, writer);
}

const NO_GUARD = { before: '', after: '' };

async function* revertRevision({ revision }: StepOf<'revert-revision'>, work: OfflineWork): Writing {
  const guard = revision.kind === 'seed' ? work.sql.onlyIf(revision, 'applied') : NO_GUARD;
  yield guard.before;
  yield* revertOne(revision, work);
  yield guard.after;
}

async function* revertOne(revision: Revision, work: OfflineWork): Writing {
  const { sql, writer, service, run } = work;
  const { down } = revision;
  const recorded = down === undefined ? undefined : await record(down, revision, work);
  if (recorded !== undefined && 'reason' in recorded) {
    yield refuse(revision, recorded.reason, sql);
    return;
  }
  const outside = down?.transaction === 'none';
  const settings = settingsOf(revision, run, outside ? 'none' : 'single');
  yield outside ? sql.startRevert(revision, settings) : sql.beginRevert(revision, settings);
  if (down !== undefined) yield* textOf(revision, 'down', recorded, work);
  yield outside ? sql.finishRevert(service, revision, writer) : sql.commitRevert(service, revision, writer);
}

/** In UTF-16 units; a longer text is read from its file at each look. */
const LONG = 1024 * 1024;

/** Without a backslash there is no command of psql in it, however psql reads its quotes. */
function mayHoldCommand(text: Revision['up']): boolean {
  return text.language === 'typescript' || text.length > LONG || text.text.includes('\\');
}

async function* textOf(
  revision: Revision,
  direction: 'up' | 'down',
  recorded: RecordedCode | undefined,
  work: OfflineWork,
): Writing {
  const text = revision[direction];
  if (text === undefined) return;
  const fence = mayHoldCommand(text) ? work.sql.restrict(work.writer) : NO_GUARD;
  yield fence.before;
  yield* partsOf(revision, direction, text, recorded, work);
  yield fence.after;
}

async function* partsOf(
  revision: Revision,
  direction: 'up' | 'down',
  text: Revision['up'],
  recorded: RecordedCode | undefined,
  work: OfflineWork,
): Writing {
  const { sql } = work;
  if (text.language === 'typescript') {
    const own = text.transaction === 'none' ? direction : undefined;
    const actions = recorded !== undefined && 'actions' in recorded ? recorded.actions : [];
    yield `-- what ${fileNameOf(text)} does, written down by running it without a database\n`;
    for (const action of actions) yield sql.action(action, revision, own);
    return;
  }
  if (text.transaction === 'none') yield* offlineStatements(text, revision, work);
  else for (const part of psqlParts(text)) yield* part.pieces;
}

/** Undefined: it is SQL. */
async function record(
  text: Revision['up'],
  revision: Revision,
  { run, service }: OfflineWork,
): Promise<RecordedCode | undefined> {
  if (text.language !== 'typescript') return undefined;
  const code = await run.ports.revisions.loadCode(text);
  return await recordCode(code, revisionConfig(run.project, service, revision));
}

function refuse(revision: Revision, reason: string, sql: OfflineSql): string {
  const [line = ''] = reason.split(/\r?\n|\r/);
  const what = `${revision.name} is TypeScript and cannot be written as SQL: ${line}`;
  return `-- ${what}\n${sql.stop(what, `go on with \`orch migrate\`, which runs it; what was done before it stays`)}`;
}

function fileNameOf({ file }: CodeText): string {
  return file.slice(Math.max(file.lastIndexOf('/'), file.lastIndexOf('\\')) + 1);
}

/** Outside a transaction a `lock_timeout` that the revision does not ask for itself is each statement's own. */
function settingsOf(revision: Revision, { project }: Run, transaction: 'single' | 'none'): TransactionSettings {
  const { longest } = new LockPace(project, revision);
  return transaction === 'none' ? { ...longest, lockTimeout: revision.lockTimeout ?? 0 } : longest;
}

/** Fails where the plan leaves a service alone. @throws Failure its failure */
export function requireWhole(refusals: readonly { readonly failure: Failure | undefined }[]): void {
  for (const { failure } of refusals) if (failure !== undefined) throw failure;
}
