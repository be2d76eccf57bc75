import { attacks } from './attacks.ts';
import { CaseFolder } from './case-folder.ts';
import { type FuzzCase, makeCase } from './fuzz-case.ts';
import { judge, runHere } from './run-case.ts';

/** What the child tells: which case it begins, and what was wrong with the one before. */
export type ChildMessage =
  | { readonly kind: 'begun'; readonly index: number }
  | { readonly kind: 'wrong'; readonly index: number; readonly wrong: readonly string[] }
  | { readonly kind: 'done'; readonly codes: Readonly<Record<string, number>> };

const [base = '', seed = '', from = '', to = ''] = process.argv.slice(2);
const folder = new CaseFolder(base);
const codes: Record<string, number> = {};

function tell(message: ChildMessage): Promise<void> {
  return new Promise((resolve) => process.send?.(message, () => resolve()));
}

/** @param seed `attacks`, or the number that the mutations are made with */
function caseOf(index: number): FuzzCase {
  const attack = attacks[index];
  if (seed === 'attacks' && attack !== undefined) return attack;
  return makeCase(Number(seed), index);
}

async function runOne(index: number): Promise<readonly string[]> {
  const fuzzCase = caseOf(index);
  folder.fill(fuzzCase);
  const before = folder.list();
  try {
    const ran = await runHere(fuzzCase, folder);
    codes[String(ran.code)] = (codes[String(ran.code)] ?? 0) + 1;
    return judge(fuzzCase, folder, before, ran);
  } catch (error) {
    return [`threw ${error instanceof Error ? error.stack : String(error)}`];
  }
}

for (let index = Number(from); index < Number(to); index += 1) {
  await tell({ kind: 'begun', index });
  const wrong = await runOne(index);
  if (wrong.length > 0) await tell({ kind: 'wrong', index, wrong });
}
await tell({ kind: 'done', codes });
process.disconnect();
