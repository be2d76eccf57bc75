import { Failure } from '../failure.ts';
import { ledgerFingerprint } from '../history.ts';
import type { ObservedDatabase } from '../observed.ts';
import type { Plan, Refusal } from '../plan.ts';
import type { Service } from '../project.ts';
import type { Revision } from '../revision.ts';
import { Draft } from './draft.ts';

/** What is to become of one service's database. */
export interface BaselineDecision {
  readonly service: Service;
  /** Revisions to write as applied, parents first (empty: begin at base); a failure: why not; undefined: nothing is to be done. */
  readonly stamp: readonly Revision[] | Failure | undefined;
}

/** The plan that gives databases which were taken over a ledger, without running anything. */
export function planBaseline(decisions: readonly BaselineDecision[], reason: string): Plan {
  const refusals = decisions.flatMap(({ service, stamp }): readonly Refusal[] =>
    stamp instanceof Failure
      ? [{ subject: { service: service.name, database: service.database }, failure: stamp, needs: undefined }]
      : [],
  );
  const steps = decisions.flatMap(({ service, stamp }) =>
    stamp === undefined || stamp instanceof Failure ? [] : draftStamp(service, stamp, reason).steps,
  );
  return { goal: 'stamp', steps, refusals };
}

function draftStamp(service: Service, add: readonly Revision[], reason: string): Draft {
  const draft = new Draft(service);
  draft.add('acquire-lock', 'one writer at a time', { expected: ledgerFingerprint(undefined) });
  draft.add('create-ledger', 'the database has none', {});
  draft.add('stamp', 'the catalog is what they leave', { add, remove: [], reason });
  draft.add('release-lock', 'the database is done', {});
  return draft;
}

/**
 * True: there is something without a ledger, that a revision may have left.
 * @throws Failure `database-missing`; `prerequisite-unmet` where it belongs to another role than the config says
 */
export function needsBaseline(service: Service, { exists, owner, ledger, contents }: ObservedDatabase): boolean {
  const place = { service: service.name, database: service.database };
  if (!exists) throw new Failure('database-missing', place);
  if (ledger !== undefined || contents === undefined) return false;
  if (owner === undefined || owner === service.owner.role) return true;
  const wanted = service.owner.role;
  const details = { ...place, what: 'database-owner', name: service.database, wanted, found: owner } as const;
  throw new Failure('prerequisite-unmet', details);
}
