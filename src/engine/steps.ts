import { Failure } from '../core/failure.ts';
import { ledgerFingerprint } from '../core/history.ts';
import type { Step, StepKind, StepOf } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { Run } from '../ports/run.ts';
import type { Runtime } from '../ports/runtime.ts';
import { applyRevision } from './apply-revision.ts';
import { asFailure } from './database-failure.ts';
import { onceOthersAreDone } from './lock-tries.ts';
import type { LockWaits } from './lock-waits.ts';
import { revertRevision } from './revert-revision.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetSessions } from './target-sessions.ts';
import { requireWritable } from './writable.ts';

/** What a handler works with. */
interface Work {
  readonly run: Run;
  readonly service: Service;
  readonly target: TargetSession;
  readonly waits: LockWaits;
}

/** @returns a note for the reporters, such as a service's URL; undefined: nothing worth saying */
type Handler<K extends StepKind> = (step: StepOf<K>, work: Work) => Promise<string | undefined>;

/** Step kind → what does it. The compiler keeps it complete. */
const handlers: { readonly [K in StepKind]: Handler<K> } = {
  'build-image': async (step, { run, service }) => {
    await requireRuntime(run).buildImage(service, run.signal, (line) =>
      run.ports.emit({ type: 'notice-received', subject: step.subject, severity: 'BUILD', message: line }),
    );
    return undefined;
  },
  'create-role': (step, { run, service, target, waits }) =>
    silently(waits.whilePreparing(target, () => run.ports.admin.createRole(service, step.role))),
  'create-database': (_step, { run, service, target, waits }) =>
    silently(waits.whilePreparing(target, () => run.ports.admin.createDatabase(service))),
  'drop-database': async (_step, { run, service, target, waits }) => {
    // The sessions to this database would be ended by the drop; the reset's own lock goes with them.
    await target.close();
    return silently(waits.whilePreparing(target, () => run.ports.admin.dropDatabase(service)));
  },
  'acquire-lock': acquireLock,
  'create-extension': (step, { run, service }) => silently(run.ports.admin.createExtension(service, step.extension)),
  'update-extension': (step, { run, service }) => silently(run.ports.admin.updateExtension(service, step.extension)),
  'grant-access': (step, { run, service }) => silently(run.ports.admin.grantAccess(service, step.role)),
  'create-ledger': async (_step, { run, service, target }) => {
    const worker = await target.worker();
    return silently(onceOthersAreDone(run, target, () => run.ports.ledger.create(worker, service, run.writer)));
  },
  'apply-revision': (step, { run, target }) => applyRevision(run, target, step),
  'revert-revision': (step, { run, target }) => revertRevision(run, target, step),
  stamp: async ({ add, remove, reason }, { run, target }) => {
    const [worker, change] = [await target.worker(), { add, remove, reason }];
    return silently(onceOthersAreDone(run, target, () => run.ports.ledger.stamp(worker, change, run.writer)));
  },
  'accept-revision': async ({ revision: name, found: revision, reason }, { run, target }) => {
    const [worker, change] = [await target.worker(), { name, revision, reason }];
    return silently(onceOthersAreDone(run, target, () => run.ports.ledger.accept(worker, change, run.writer)));
  },
  'relink-revisions': async ({ links }, { run, target }) => {
    const worker = await target.worker();
    return silently(onceOthersAreDone(run, target, () => run.ports.ledger.relink(worker, links, run.writer)));
  },
  'release-lock': (_step, { target }) => silently(target.close()),
  'stop-service': (_step, { run, service }) => silently(requireRuntime(run).stopService(service)),
  'start-service': (step, { run, service }) =>
    silently(requireRuntime(run).startService(service, step.action, run.signal)),
  'wait-healthy': async (_step, { run, service }) => (await requireRuntime(run).waitHealthy(service, run.signal)).url,
};

/** What changes the database that the lock is for. */
const WRITES: ReadonlySet<StepKind> = new Set([
  'create-extension',
  'update-extension',
  'grant-access',
  'create-ledger',
  'apply-revision',
  'revert-revision',
  'stamp',
  'accept-revision',
  'relink-revisions',
]);

/**
 * Does one step.
 * @throws Failure of the step's own kind; `interrupted` where the run was interrupted while it worked
 */
export async function performStep(run: Run, sessions: TargetSessions, step: Step): Promise<string | undefined> {
  const service = run.project.services.find((candidate) => candidate.name === step.subject.service);
  if (service === undefined) throw new TypeError(`the plan names ${step.subject.service}, which is no service`);
  const target = sessions.of(service);
  try {
    if (WRITES.has(step.kind)) target.requireLock();
    return await (handlers[step.kind] as Handler<StepKind>)(step, { run, service, target, waits: sessions.waits });
  } catch (error) {
    // Whatever was begun in these sessions is over, and with them goes the lock. Where the plan turned out stale too:
    // kept while other databases of this run wait for their locks, it would make two runs wait for each other.
    await target.close();
    if (run.signal.aborted && !(error instanceof Failure)) throw run.signal.reason;
    throw asFailure(error, target, step.kind);
  }
}

async function acquireLock(step: StepOf<'acquire-lock'>, { run, service, target, waits }: Work): Promise<undefined> {
  const { ledger, emit } = run.ports;
  if (!target.locked) {
    await waits.acquire(target, (holder, waited) =>
      emit({ type: 'lock-awaited', subject: step.subject, holder, waited }),
    );
    target.markLocked();
  }
  const keeper = await target.keeper();
  // What the plan was made from may be older than the lock: another orch may have done it all meanwhile.
  const now = await ledger.observe(keeper, service);
  requireWritable(target, now);
  if (ledgerFingerprint(now.ledger?.rows) !== step.expected) {
    throw new Failure('observed-changed', { service: service.name });
  }
}

function requireRuntime(run: Run): Runtime {
  if (run.ports.runtime === undefined) throw new TypeError('the plan has a container step, but there is no runtime');
  return run.ports.runtime;
}

async function silently(work: Promise<void>): Promise<undefined> {
  await work;
}
