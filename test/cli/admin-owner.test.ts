import { expect, it } from 'vitest';
import { orch } from '../support/orch.ts';
import { startOwnServer } from '../support/own-server.ts';
import { makeProject } from '../support/project-folder.ts';
import { expectClean, run } from './support.ts';

it("a service whose owner is the server's own first role is warned of, where revisions run as it", async () => {
  const { folder: cwd } = await startOwnServer({}, { '001_a.up.sql': 'CREATE TABLE a ()' });
  const first = await orch(['migrate'], { cwd });
  expectClean(first);
  expect(first).toMatchObject({ code: 0 });
  expect(first.stderr).toMatch(
    /^api {2}warning: revisions run as postgres, the role that prepares the server: nothing keeps them within own\. /m,
  );
  const again = await orch(['migrate'], { cwd });
  expect(again).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
});

it('one with an owner of its own is not', async () => {
  const project = await makeProject({ api: { revisions: { '001_a.up.sql': 'CREATE TABLE a ()' } } });
  expect(await run(project, ['migrate'])).toMatchObject({ code: 0, stderr: expect.not.stringContaining('warning') });
});
