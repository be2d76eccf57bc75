import { expect, test } from 'vitest';
import { type Ended, orch } from '../support/orch.ts';
import { makeProject, type ServiceSketch } from '../support/project-folder.ts';

const three: ServiceSketch = {
  revisions: Object.fromEntries(
    ['a', 'b', 'c'].flatMap((name, at) => [
      [`00${at + 1}_${name}.up.sql`, `CREATE TABLE ${name} ();`],
      [`00${at + 1}_${name}.down.sql`, `DROP TABLE ${name};`],
    ]),
  ),
};

async function run(folder: string, ...args: readonly string[]): Promise<Ended> {
  return await orch(args, { cwd: folder });
}

test('where nobody approved, the command that would go on is about the same services, and the plan names what stays', async () => {
  const { folder } = await makeProject({ auth: three, user: three });
  await run(folder, 'migrate');
  const one = await run(folder, 'downgrade', '-1', '--service', 'auth');
  expect(one.code).toBe(2);
  expect(one.stderr).toContain('✖ the downgrade to -1 was not approved');
  expect(one.stderr).toContain('next:  orch downgrade --service auth -1 --yes  #');
  expect(one.output).toMatch(/auth +\S+ +003_c +it is above 002_b +table c/);
  expect((await run(folder, 'downgrade', '-3')).output).toMatch(/003_c +it is above base +table c/);
  expect((await run(folder, 'downgrade', '001')).stderr).toContain('next:  orch downgrade 001 --yes  #');
});

test('a downgrade that is refused as a whole calls no service done', async () => {
  const { folder } = await makeProject({ auth: three, user: three });
  await run(folder, 'migrate');
  await run(folder, 'downgrade', 'base', '--yes', '--service', 'user');
  const refused = await run(folder, 'downgrade', '001', '--yes');
  expect(refused.code).toBe(2);
  expect(refused.stdout).toMatch(/↓ +auth +\S+ +003_c +not touched/);
  expect(refused.stdout).toMatch(/✖ +user +\S+ +none +failed/);
  expect(refused.stdout).toContain('0 of 2 services done, 1 failure');
});

test('what stamp and accept have changed is counted as rows of the ledger, in whichever direction', async () => {
  const { folder, write } = await makeProject({ auth: three });
  await run(folder, 'migrate');
  expect((await run(folder, 'stamp', '001')).stdout).toContain('2 ledger rows changed, nothing run');
  expect((await run(folder, 'stamp', 'head')).stdout).toContain('2 ledger rows changed, nothing run');
  await write('auth/revisions/001_a.up.sql', 'CREATE TABLE a (); -- a remark');
  const accepted = await run(folder, 'accept', '001', '--reason', 'a remark');
  expect(accepted.stdout).toContain('1 ledger row changed, nothing run');
});
