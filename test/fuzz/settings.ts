import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { attacks } from './attacks.ts';
import { CaseFolder } from './case-folder.ts';
import { makeCase } from './fuzz-case.ts';

/** Cases in children of this process; a tenth as many are given to the built program. */
export const runs = Number(process.env.ORCH_FUZZ_RUNS ?? 1000);

/** Another seed is another set of cases. */
export const seed = Number(process.env.ORCH_FUZZ_SEED ?? 1);

/** What was wrong, each with what the case was and where its files are kept to be looked at. */
export function told(wrong: readonly string[], which?: 'attacks'): readonly string[] {
  return wrong.slice(0, 20).map((line) => {
    const index = Number(/^#(\d+)/.exec(line)?.[1]);
    const fuzzCase = which === 'attacks' ? attacks[index] : makeCase(seed, index);
    if (fuzzCase === undefined) return line;
    const folder = new CaseFolder(mkdtempSync(join(tmpdir(), 'orch-fuzz-kept-')));
    folder.fill(fuzzCase);
    return `${line}\n  ${fuzzCase.spoilt}\n  ${JSON.stringify(fuzzCase.env)}\n  in ${folder.project}`;
  });
}
