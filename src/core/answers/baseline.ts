import type { Failure } from '../failure.ts';
import type { Difference } from '../schema/diff.ts';

/** What `baseline` found out of one service's database. */
export interface ServiceBaseline {
  readonly service: string;
  readonly database: string;
  /** `match`: a revision leaves just that; `ledger`: it has one, so that there is nothing to find out; `empty`: so is the database. */
  readonly verdict: 'match' | 'differs' | 'ledger' | 'empty' | 'failed';
  /** Names of heads: of the match, of the nearest, or of what the ledger says; empty: base, or not known. */
  readonly heads: readonly string[];
  /** Names of all revisions that a stamp of the match writes, parents first. */
  readonly stamps: readonly string[];
  /** Names of heads of the other states that the catalog cannot tell from the match. */
  readonly alike: readonly (readonly string[])[];
  /** From the nearest. */
  readonly differences: readonly Difference[];
  /** What other tools say of the database. */
  readonly ledgers: readonly { readonly tool: string; readonly table: string; readonly version: string | undefined }[];
  /** Objects of other roles than the owner, which revisions can't change: as SQL names them. */
  readonly foreign: readonly { readonly name: string; readonly owner: string }[];
  /** Names of seeds that `migrate` will apply once there is a ledger. */
  readonly seeds: readonly string[];
  readonly failure: Failure | undefined;
}
