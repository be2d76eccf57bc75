import { Failure, isFailure } from '../failure.ts';
import { appliedNames, ledgerFingerprint } from '../history.ts';
import { findNearestSome } from '../nearest.ts';
import type { LedgerRow, Observed, ObservedDatabase } from '../observed.ts';
import type { Plan, Refusal } from '../plan.ts';
import type { Service } from '../project.ts';
import type { Revision } from '../revision.ts';
import { descendantsOf } from '../revision-graph.ts';
import { findRevision } from '../revision-reference.ts';
import { Draft } from './draft.ts';
import { type History, requireReadable } from './upgrade.ts';

export interface AcceptRequest {
  readonly services: readonly Service[];
  /** A name, number or prefix, of a file or of the ledger. */
  readonly revision: string;
  readonly histories: ReadonlyMap<string, History | Failure>;
  readonly reason: string;
}

/**
 * The plan by which ledgers take over that the file of a revision has changed or is gone. Of several services those
 * where there is nothing to accept are passed over; if that is so in all of them, they are refused.
 */
export function planAccept(request: AcceptRequest, observed: Observed): Plan {
  const refusals: Refusal[] = [];
  const steps = request.services.flatMap((service) => {
    try {
      return draftService(request, service, observed).steps;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      refusals.push({
        subject: { service: service.name, database: service.database },
        failure: error,
        needs: undefined,
      });
      return [];
    }
  });
  const isNothing = ({ failure }: Refusal): boolean =>
    isFailure(failure, 'nothing-to-accept') || isFailure(failure, 'revision-not-found');
  const telling = refusals.filter((refusal) => !isNothing(refusal));
  if (steps.length > 0 || telling.length > 0) return { goal: 'accept', steps, refusals: telling };
  // A service that has the revision says more than those that never heard of it.
  const known = refusals.filter(({ failure }) => isFailure(failure, 'nothing-to-accept'));
  return { goal: 'accept', steps, refusals: known.length > 0 ? known : refusals };
}

function draftService(request: AcceptRequest, service: Service, observed: Observed): Draft {
  const found = observed.services.get(service.name);
  const history = request.histories.get(service.name);
  if (found === undefined || history === undefined) throw new TypeError(`${service.name} was not observed`);
  if (history instanceof Failure) throw history;
  if (found instanceof Failure) throw found;
  return draftAccept(service, found.database, history, request);
}

function draftAccept(service: Service, observed: ObservedDatabase, history: History, request: AcceptRequest): Draft {
  const { reason } = request;
  const rows = requireReadable(service, observed).filter(({ kind }) => kind === 'revision');
  const { name, file, row } = requireNamed(service, history, rows, request.revision);
  const nothing = (why: Failure<'nothing-to-accept'>['details']['why']): Failure =>
    new Failure('nothing-to-accept', { service: service.name, revision: name, why });
  if (row === undefined) throw nothing(isBelowApplied(history, rows, name) ? 'out-of-order' : 'not-applied');
  if (file === undefined ? row.fileGone : isUnchanged(file, row)) throw nothing('unchanged');
  const draft = new Draft(service);
  draft.add('acquire-lock', 'one writer at a time', { expected: ledgerFingerprint(observed.ledger?.rows) });
  draft.add('accept-revision', reason, { revision: name, found: file, reason }, name);
  draft.add('release-lock', 'the database is done', {});
  return draft;
}

interface Named {
  readonly name: string;
  readonly file: Revision | undefined;
  readonly row: LedgerRow | undefined;
}

function requireNamed(service: Service, history: History, rows: readonly LedgerRow[], reference: string): Named {
  const gone = rows.filter(({ name }) => !history.graph.byName.has(name));
  const meant = gone.find(({ name }) => name === reference) ?? onlyOne(gone.filter((row) => isMeant(row, reference)));
  if (meant !== undefined) return { name: meant.name, file: undefined, row: meant };
  const file = findRevision(service.name, history.graph, reference);
  if (file !== undefined) return { name: file.name, file, row: rows.find(({ name }) => name === file.name) };
  const known = [...history.graph.byName.keys(), ...gone.map(({ name }) => name)];
  throw new Failure('revision-not-found', {
    service: service.name,
    target: reference,
    nearest: findNearestSome(reference, known),
  });
}

function isMeant({ id, name }: LedgerRow, reference: string): boolean {
  return id === reference || name.startsWith(reference);
}

function onlyOne(rows: readonly LedgerRow[]): LedgerRow | undefined {
  return rows.length === 1 ? rows[0] : undefined;
}

function isUnchanged(file: Revision, row: LedgerRow): boolean {
  return file.up.checksum === row.checksum && file.down?.checksum === row.downChecksum && !row.fileGone;
}

function isBelowApplied(history: History, rows: readonly LedgerRow[], name: string): boolean {
  const applied = appliedNames(rows);
  return [...descendantsOf(history.graph, [name])].some((above) => applied.has(above));
}
