import { Failure } from '../failure.ts';
import type { LedgerRow, Observed } from '../observed.ts';
import type { Refusal } from '../plan.ts';
import type { Service } from '../project.ts';
import type { Reverts } from './downgrade.ts';
import type { Revertible } from './revertible.ts';

/** What applied revisions of other services, built on what is to be reverted, ask of the order; or forbid. */
export interface Dependants {
  readonly waits: ReadonlyMap<string, readonly string[]>;
  /** Names of services whose steps wait for another's. */
  readonly coupled: ReadonlySet<string>;
  readonly refusals: readonly Refusal[];
}

/**
 * A revision is reverted only after the revisions of other services that require it; if one of those stays, it can't be.
 * @param others services outside the run that are looked at
 */
export function findDependants(
  others: readonly Service[],
  observed: Observed,
  reverts: readonly Reverts[],
): Dependants {
  const waits = new Map<string, string[]>();
  const coupled = new Set<string>();
  const kept = new Map<string, { service: string; revision: string }[]>();
  const byService = new Map(reverts.map((revert) => [revert.service.name, revert]));
  for (const { service, row } of requiringRows([...reverts.map((revert) => revert.service), ...others], observed)) {
    const isReverted = byService.get(service)?.revisions.some(({ row: own }) => isSame(own, row)) === true;
    for (const requirement of row.requires) {
      const [other = '', reference = ''] = requirement.split('@');
      const target = byService.get(other)?.revisions.find((one) => isMeant(one, reference));
      if (target === undefined) continue;
      const id = `${other}/revert-revision/revision/${target.row.name}`;
      if (isReverted) {
        waits.set(id, [...(waits.get(id) ?? []), `${service}/revert-revision/revision/${row.name}`]);
        coupled.add(service).add(other);
      } else kept.set(id, [...(kept.get(id) ?? []), { service, revision: row.name }]);
    }
  }
  return { waits, coupled, refusals: [...kept].map(([id, by]) => refusalOf(id, by, byService)) };
}

function* requiringRows(
  services: readonly Service[],
  observed: Observed,
): Generator<{ readonly service: string; readonly row: LedgerRow }> {
  for (const { name: service } of services) {
    const found = observed.services.get(service);
    if (found === undefined || found instanceof Failure) continue;
    for (const row of found.database.ledger?.rows ?? []) if (row.requires.length > 0) yield { service, row };
  }
}

function isSame(left: LedgerRow, right: LedgerRow): boolean {
  return left.kind === right.kind && left.name === right.name;
}

/** As the directive may write it: a name, a number with or without its zeros, or a prefix of the name. */
function isMeant({ row }: Revertible, reference: string): boolean {
  if (row.kind === 'seed') return false;
  const isNumber = /^\d+$/.test(reference) && /^\d+$/.test(row.id);
  return row.name === reference || (isNumber ? BigInt(row.id) === BigInt(reference) : row.name.startsWith(reference));
}

function refusalOf(
  id: string,
  by: readonly { readonly service: string; readonly revision: string }[],
  byService: ReadonlyMap<string, Reverts>,
): Refusal {
  const [name = ''] = id.split('/');
  const service = byService.get(name)?.service;
  const subject = { service: name, database: service?.database ?? '' };
  const revision = id.slice(`${name}/revert-revision/revision/`.length);
  return { subject, failure: new Failure('revision-required', { ...subject, revision, by }), needs: undefined };
}
