import type { ServiceCheck } from '../core/answers/check.ts';
import { Failure, isFailure } from '../core/failure.ts';
import { type Finding, findFindings } from '../core/findings.ts';
import { appliedHeads } from '../core/history.ts';
import type { LedgerRow } from '../core/observed.ts';
import type { Plan } from '../core/plan.ts';
import { planProject } from '../core/planners/project-plan.ts';
import { type History, requireReadable } from '../core/planners/upgrade.ts';
import { requireRunnable } from '../core/sql/sql-text.ts';
import type { Run } from '../ports/run.ts';
import { type Look, type LookedService, lookAt } from './look.ts';

/**
 * Holds the files of these services against their databases. Changes nothing.
 * @throws Failure `service-unknown`; what befalls a single service is in its check
 */
export async function check(
  run: Run,
  request: { readonly services: readonly string[] },
): Promise<readonly ServiceCheck[]> {
  return await lookAt(run, request.services, (look) => {
    const plan = planAll(look);
    return look.services.map((looked) => checkService(looked, plan));
  });
}

/** What `migrate` would do with all that is pending: for what it refuses. */
function planAll({ services, related, observed }: Look): Plan {
  const request = {
    goal: 'migrate',
    services: services.map(({ service }) => service),
    target: 'heads',
    ...related,
    options: { allowOutOfOrder: true },
  } as const;
  return planProject(request, observed);
}

function checkService({ service, history, found }: LookedService, plan: Plan): ServiceCheck {
  const subject = { service: service.name, database: service.database };
  if (found instanceof Failure) return { ...subject, heads: [], findings: fileFindings(history), failure: found };
  const { exists, ledger } = found.database;
  const heads = appliedHeads(ledger?.rows ?? []);
  try {
    requireReadable(service, found.database);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { ...subject, heads, findings: fileFindings(history), failure: error };
  }
  if (history instanceof Failure) {
    const findings = fileFindings(history);
    return { ...subject, heads, findings, failure: findings.length === 0 ? history : undefined };
  }
  const findings = [
    ...unrunnable(service.name, history, ledger?.rows ?? []),
    ...findFindings(history, { exists, rows: ledger?.rows }),
    ...refusedBy(plan, service.name),
  ];
  return { ...subject, heads, findings, failure: undefined };
}

function fileFindings(history: History | Failure): readonly Finding[] {
  if (!isFailure(history, 'revision-invalid')) return [];
  return history.details.faults.map((fault) => ({ kind: 'invalid', fault }));
}

/** Faults of texts that are to run yet: those that ran may have been written under other rules. */
function unrunnable(service: string, { graph, seeds }: History, rows: readonly LedgerRow[]): readonly Finding[] {
  const there = new Set(rows.map(({ kind, name }) => `${kind} ${name}`));
  const all = [...graph.ordered, ...seeds];
  const waiting = all.filter(({ kind, name }) => !there.has(`${kind} ${name}`));
  try {
    requireRunnable(service, waiting, all);
    return [];
  } catch (error) {
    if (!isFailure(error, 'revision-invalid')) throw error;
    return fileFindings(error);
  }
}

function refusedBy(plan: Plan, service: string): readonly Finding[] {
  const refusal = plan.refusals.find(({ subject }) => subject.service === service);
  const failure = refusal?.failure;
  return failure !== undefined && isOwnReason(failure) ? [{ kind: 'refused', failure }] : [];
}

/** Not told elsewhere in the findings, and no matter of which services were named. */
function isOwnReason(failure: Failure): boolean {
  if (isFailure(failure, 'requirement-unmet')) {
    return failure.details.why !== 'not-selected' && failure.details.why !== 'not-observed';
  }
  return (
    isFailure(failure, 'requirement-cycle') ||
    isFailure(failure, 'prerequisite-unmet') ||
    isFailure(failure, 'database-not-empty')
  );
}
