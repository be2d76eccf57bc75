import { describe, expect, test } from 'vitest';
import { type Ended, orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder, type ServiceSketch } from '../support/project-folder.ts';

const two = {
  '001_a.up.sql': 'CREATE TABLE a ();',
  '001_a.down.sql': 'DROP TABLE a;',
  '003_c.up.sql': 'CREATE TABLE c ();',
  '003_c.down.sql': 'DROP TABLE c;',
};

type Shop = ProjectFolder & { run(...args: readonly string[]): Promise<Ended> };

async function makeShop(sketches: Readonly<Record<string, ServiceSketch>>): Promise<Shop> {
  const project = await makeProject(sketches);
  return { ...project, run: (...args) => orch(args, { cwd: project.folder }) };
}

async function rows(shop: Shop, service = 'auth'): Promise<readonly string[]> {
  const found = await shop.sql<{ name: string; parents: string[]; note: string | null }>(
    service,
    'SELECT name, parents, note FROM orch.ledger ORDER BY name',
  );
  return found.map(({ name, parents, note }) => `${name} <- ${parents.join(' ')}${note === null ? '' : ` (${note})`}`);
}

async function heads(shop: Shop, service = 'auth'): Promise<readonly string[]> {
  return (await shop.sql<{ name: string }>(service, 'SELECT name FROM orch.heads ORDER BY name')).map(
    ({ name }) => name,
  );
}

describe('a revision that comes in below the head', () => {
  test('is a verdict with a fix for each, and is applied only with --allow-out-of-order, which the ledger records', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    expect((await shop.run('migrate')).code).toBe(0);
    await shop.write('auth/revisions/002_b.up.sql', 'CREATE TABLE b ();');
    const refused = await shop.run('migrate');
    expect(refused.code).toBe(7);
    expect(refused.stderr).toContain('002_b is not applied, but 003_c, which comes after it, is');
    expect(refused.stderr).toContain('orch migrate --service auth --allow-out-of-order');
    expect(refused.stderr).toContain('orch rebase --service auth 002_b');
    expect(refused.output).not.toContain('reset');
    expect((await shop.run('plan', '--allow-out-of-order')).stdout).toContain('it came in below 003_c');
    expect((await shop.run('migrate', '--allow-out-of-order')).code).toBe(0);
    expect(await rows(shop)).toEqual([
      '001_a <- ',
      '002_b <- 001_a (applied out of order, below 003_c)',
      '003_c <- 002_b',
    ]);
    expect(await heads(shop)).toEqual(['003_c']);
    expect(await shop.run('migrate')).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing to do') });
  });
});

describe('an applied file that was changed or is missing', () => {
  test('is a verdict that offers the recorded text and accept; accepted, with the reason, it is none any more', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate');
    await shop.write('auth/revisions/001_a.up.sql', 'CREATE TABLE a (); -- a remark');
    await shop.remove('auth/revisions/003_c.up.sql');
    await shop.remove('auth/revisions/003_c.down.sql');
    const refused = await shop.run('migrate');
    expect(refused.code).toBe(7);
    for (const name of ['001_a', '003_c']) {
      expect(refused.stderr).toContain(`orch show --service auth ${name} --recorded`);
      expect(refused.stderr).toContain(`orch accept --service auth ${name} --reason`);
    }
    expect(await shop.run('accept', '1')).toMatchObject({ code: 2 });
    expect((await shop.run('accept', '1', '--reason', 'a remark was added')).code).toBe(0);
    expect((await shop.run('accept', '003_c', '--reason', "c's file was lost")).code).toBe(0);
    expect(await rows(shop)).toEqual([
      '001_a <-  (accepted: a remark was added)',
      "003_c <- 001_a (accepted: c's file was lost)",
    ]);
    expect(
      await shop.sql('auth', "SELECT revision, message FROM orch.log WHERE action = 'accept' ORDER BY sequence"),
    ).toEqual([
      { revision: '001_a', message: 'a remark was added' },
      { revision: '003_c', message: "c's file was lost" },
    ]);
    expect((await shop.run('migrate')).code).toBe(0);
    expect((await shop.run('accept', '1', '--reason', 'again')).code).toBe(2);
    // The lost file's down is in the ledger still.
    expect((await shop.run('downgrade', '001', '--yes')).code).toBe(0);
    expect(await heads(shop)).toEqual(['001_a']);
  });

  test('white space at line ends, a BOM and CRLF are no changes', async () => {
    const shop = await makeShop({ auth: { revisions: { '001_a.up.sql': 'CREATE TABLE a (\n  n int\n);\n' } } });
    await shop.run('migrate');
    await shop.write('auth/revisions/001_a.up.sql', '\ufeffCREATE TABLE a (  \r\n  n int\r\n);\r\n\r\n');
    expect((await shop.run('migrate')).code).toBe(0);
  });
});

describe('orch stamp', () => {
  test('moves the ledger without running anything; the reason is kept', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate', '001');
    await shop.sql('auth', 'CREATE TABLE c ()');
    expect((await shop.run('stamp', 'head', '--reason', 'c was made by hand')).code).toBe(0);
    expect(await rows(shop)).toEqual(['001_a <- ', '003_c <- 001_a (stamped: c was made by hand)']);
    expect((await shop.run('migrate')).stdout).toContain('Nothing to do');
    expect((await shop.run('stamp', '-1')).code).toBe(0);
    expect(await heads(shop)).toEqual(['001_a']);
    expect((await shop.run('stamp', 'base')).code).toBe(0);
    expect(await rows(shop)).toEqual([]);
    expect(await shop.sql('auth', "SELECT FROM pg_tables WHERE tablename IN ('a', 'c')")).toHaveLength(2);
    expect(
      await shop.sql('auth', "SELECT action, revision FROM orch.log WHERE action LIKE '%stamp' ORDER BY sequence"),
    ).toEqual([
      { action: 'stamp', revision: '003_c' },
      { action: 'unstamp', revision: '003_c' },
      { action: 'unstamp', revision: '001_a' },
    ]);
  });

  test('--purge writes all rows anew, from the files as they are now', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate');
    await shop.write('auth/revisions/001_a.up.sql', 'CREATE TABLE another ();');
    expect((await shop.run('migrate')).code).toBe(7);
    expect((await shop.run('stamp', 'head', '--purge')).code).toBe(0);
    expect((await shop.run('migrate')).code).toBe(0);
    expect(await rows(shop)).toEqual(['001_a <-  (stamped)', '003_c <- 001_a (stamped)']);
  });

  test('a stamped revision can be reverted', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate', '001');
    await shop.sql('auth', 'CREATE TABLE c ()');
    await shop.sql('auth', `ALTER TABLE c OWNER TO "${shop.owner('auth')}"`);
    await shop.run('stamp', 'head');
    expect((await shop.run('downgrade', '-1', '--yes')).code).toBe(0);
    expect(await shop.sql('auth', "SELECT FROM pg_tables WHERE tablename = 'c'")).toEqual([]);
  });
});

describe('two heads', () => {
  test('name both files with authors and dates, and offer orch merge; `heads` applies both', async () => {
    const shop = await makeShop({
      auth: {
        revisions: {
          '001_a.up.sql': 'CREATE TABLE a ();',
          '002_b.up.sql': '-- orch: author Ada Lovelace\n-- orch: created 2026-01-31\nCREATE TABLE b ();',
          '002_c.up.sql': '-- orch: labels reports\nCREATE TABLE c ();',
        },
      },
    });
    const { code, stderr } = await shop.run('migrate');
    expect(code).toBe(7);
    expect(stderr).toContain('002_b  auth/revisions/002_b.up.sql  (Ada Lovelace, 2026-01-31)');
    expect(stderr).toContain('002_c  auth/revisions/002_c.up.sql');
    expect(stderr).toContain('orch merge --service auth');
    expect(await shop.run('migrate', 'reports@head')).toMatchObject({ code: 0 });
    expect(await heads(shop)).toEqual(['002_c']);
    expect((await shop.run('migrate', 'heads')).code).toBe(0);
    expect(await heads(shop)).toEqual(['002_b', '002_c']);
    const forked = await shop.run('downgrade', '-1', '--yes');
    expect(forked.code).toBe(2);
    expect(forked.stderr).toMatch(/002_c\n +002_b/);
  });
});

describe('names', () => {
  test('+2, 1+1, a number, a prefix; unknown and ambiguous ones list what may be meant', async () => {
    const files = Object.fromEntries(
      ['001_users', '002_roles', '003_logs', '004_audit'].map((name) => [`${name}.up.sql`, '']),
    );
    const shop = await makeShop({ auth: { revisions: files } });
    expect(await shop.run('migrate', '+2')).toMatchObject({ code: 0 });
    expect(await heads(shop)).toEqual(['002_roles']);
    expect((await shop.run('migrate', '2+1')).code).toBe(0);
    expect(await heads(shop)).toEqual(['003_logs']);
    const beyond = await shop.run('migrate', '+2');
    expect(beyond).toMatchObject({ code: 2, stderr: expect.stringContaining('there is 1 revision above 003_logs') });
    const unknown = await shop.run('migrate', '002_rolse');
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining('did you mean 002_roles') });
    const ambiguous = await shop.run('migrate', '00');
    expect(ambiguous).toMatchObject({ code: 2, stderr: expect.stringMatching(/001_users\n +002_roles\n +003_logs/) });
  });
});

describe('requires', () => {
  test('orders revisions across databases, whichever service comes first in the config', async () => {
    const shop = await makeShop({
      user: {
        revisions: { '001_p.up.sql': '', '002_links.up.sql': '-- orch: requires auth@002\nCREATE TABLE links ();' },
      },
      auth: { revisions: { '001_users.up.sql': '', '002_roles.up.sql': 'SELECT pg_sleep(0.3);' } },
    });
    const alone = await shop.run('migrate', '--service', 'user');
    expect(alone.code).toBe(2);
    expect(alone.stderr).toContain('user: 002_links requires auth@002');
    expect(alone.stderr).toContain('orch migrate --service user --service auth');
    const { code, stdout } = await shop.run('migrate', '--output', 'json');
    expect(code).toBe(0);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; step?: { id: string } });
    const at = (type: string, id: string): number =>
      events.findIndex((event) => event.type === type && event.step?.id === id);
    expect(at('step-finished', 'auth/apply-revision/revision/002_roles')).toBeGreaterThan(0);
    expect(at('step-finished', 'auth/apply-revision/revision/002_roles')).toBeLessThan(
      at('step-started', 'user/apply-revision/revision/002_links'),
    );
    expect((await shop.run('migrate', '--service', 'user')).code).toBe(0);
  });

  test('a cycle is told with its whole path', async () => {
    const shop = await makeShop({
      user: { revisions: { '001_x.up.sql': '-- orch: requires auth@1' } },
      auth: { revisions: { '001_y.up.sql': '-- orch: requires user@1' } },
    });
    const { code, stderr } = await shop.run('migrate');
    expect(code).toBe(2);
    expect(stderr).toMatch(/user@001_x → auth@001_y → user@001_x|auth@001_y → user@001_x → auth@001_y/);
  });
});
