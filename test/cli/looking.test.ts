import { describe, expect, test } from 'vitest';
import { type Ended, orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder, type ServiceSketch } from '../support/project-folder.ts';

const two = {
  '001_a.up.sql': '-- orch:author Ann\n-- orch:message the first table\nCREATE TABLE a ();\n',
  '001_a.down.sql': 'DROP TABLE a;\n',
  '002_b.up.sql': 'CREATE TABLE b ();\n',
  '002_b.down.sql': 'DROP TABLE b;\n',
};

type Shop = ProjectFolder & { run(...args: readonly string[]): Promise<Ended> };

async function makeShop(sketches: Readonly<Record<string, ServiceSketch>>): Promise<Shop> {
  const project = await makeProject(sketches);
  return { ...project, run: (...args) => orch(args, { cwd: project.folder }) };
}

interface Answer {
  readonly type: string;
  readonly services: readonly Record<string, unknown>[];
}

async function json(shop: Shop, ...args: readonly string[]): Promise<Answer & { readonly code: number | null }> {
  const { code, stdout, stderr } = await shop.run(...args, '--output', 'json');
  const line = stdout.split('\n').find((text) => text.includes(`"type":"${args[0] === 'show' ? 'shown' : args[0]}"`));
  if (line === undefined) throw new Error(`no answer:\n${stdout}${stderr}`);
  return { ...(JSON.parse(line) as Answer), code };
}

async function kinds(shop: Shop, ...args: readonly string[]): Promise<readonly unknown[]> {
  const { code, services } = await json(shop, 'check', ...args);
  const found = services.flatMap(({ findings }) => findings as readonly { readonly kind: string }[]);
  return [code, ...found.map(({ kind }) => kind)];
}

describe('orch check', () => {
  test('ends with 0 when every database is at its heads and the files are what was applied, else with 3 and the list', async () => {
    const shop = await makeShop({ auth: { revisions: two }, user: { revisions: two } });
    const before = await shop.run('check');
    expect(before.code).toBe(3);
    expect(before.stdout).toContain('✖ auth (');
    expect(before.stdout).toContain('there is no such database: 2 revisions pending (001_a, 002_b)');
    expect(before.stdout).toContain('orch migrate --service auth');
    expect(before.stdout).toContain('2 findings in 2 services.');
    await shop.run('migrate');
    const fine = await shop.run('check');
    expect(fine.code).toBe(0);
    expect(fine.stdout).toContain('at 002_b\n');
    expect(fine.stdout).toContain('No findings: 2 services checked.');
    await shop.run('downgrade', '001', '--service', 'user', '--yes');
    expect((await shop.run('check')).stdout).toContain('it is not at its head: 1 revision pending (002_b)');
    expect(await kinds(shop, '--service', 'auth')).toEqual([0]);
    expect(await kinds(shop)).toEqual([3, 'behind']);
  });

  test('lists changed, missing and late files, a changed down and two heads, each with its fix', async () => {
    const shop = await makeShop({
      auth: { revisions: { ...two, '003_c.up.sql': 'CREATE TABLE c ();', '005_e.up.sql': 'CREATE TABLE e ();' } },
    });
    await shop.run('migrate');
    expect(await kinds(shop)).toEqual([3, 'gap']);
    await shop.write('auth/revisions/001_a.up.sql', 'CREATE TABLE another ();');
    await shop.write('auth/revisions/002_b.down.sql', 'DROP TABLE IF EXISTS b;');
    await shop.remove('auth/revisions/003_c.up.sql');
    await shop.write('auth/revisions/004_d.up.sql', 'CREATE TABLE d ();');
    await shop.write('auth/revisions/006_f.up.sql', '-- orch:parents 005_e\nCREATE TABLE f ();');
    await shop.write('auth/revisions/006_g.up.sql', '-- orch:parents 005_e\n-- orch:author Bob\nCREATE TABLE g ();');
    expect(await kinds(shop)).toEqual([3, 'diverged', 'changed', 'missing', 'out-of-order', 'down-changed', 'behind']);
    const { stdout } = await shop.run('check');
    for (const text of [
      'orch show --service auth 001_a --recorded',
      "orch accept --service auth 003_c --reason '…'",
      'orch migrate --service auth --allow-out-of-order',
      'orch show --service auth 002_b --recorded --down',
      'orch merge --service auth',
      '006_g  auth/revisions/006_g.up.sql  (Bob)',
      '2 revisions pending (006_f, 006_g)',
    ]) {
      expect(stdout).toContain(text);
    }
  });

  test('white space at line ends, a BOM and CRLF are no findings', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate');
    await shop.write('auth/revisions/002_b.up.sql', '\ufeffCREATE TABLE b ();  \r\n\r\n');
    await shop.write('auth/revisions/002_b.down.sql', 'DROP TABLE b;\t\r\n');
    expect(await kinds(shop)).toEqual([0]);
  });

  test('lists every file at fault with its place; the other services are checked all the same', async () => {
    const shop = await makeShop({ auth: { revisions: two }, user: { revisions: two } });
    await shop.run('migrate');
    await shop.write('auth/revisions/notes.txt', 'x');
    await shop.write('auth/revisions/003_c.down.sql', 'DROP TABLE c;');
    await shop.write('user/revisions/003_c.up.sql', 'CREATE TABLE c ();\nCOMMIT;\nCREATE TABLE d ();');
    expect(await kinds(shop)).toEqual([3, 'invalid', 'invalid', 'invalid', 'behind']);
    const { stdout } = await shop.run('check');
    expect(stdout).toContain('auth/revisions/notes.txt');
    expect(stdout).toContain('auth/revisions/003_c.down.sql');
    expect(stdout).toMatch(/user\/revisions\/003_c\.up\.sql:2:1/);
  });

  test('lists requirements on other services that nothing can meet', async () => {
    const shop = await makeShop({
      auth: { revisions: two },
      user: { revisions: { '001_u.up.sql': '-- orch:requires auth@009\nCREATE TABLE u ();' } },
    });
    expect(await kinds(shop, '--service', 'user')).toEqual([3, 'behind', 'refused']);
    expect((await shop.run('check')).stdout).toContain('001_u requires auth@009');
  });

  test('a database that does not answer is a failure with its own exit code; its files are checked', async () => {
    const shop = await makeShop({ auth: { revisions: { ...two, 'notes.txt': 'x' } } });
    const config = 'url: postgresql://nobody@127.0.0.1:1/postgres';
    await shop.write(
      'orchestrator.config.yaml',
      `project: sample\nservers: { main: { ${config} } }\nservices: [auth/service.yaml]\n`,
    );
    const { code, stdout, stderr } = await shop.run('check');
    expect(code).toBe(8);
    expect(stdout).toContain('the database could not be checked, 1 finding');
    expect(stderr).toContain('127.0.0.1:1');
  });

  test('writes nothing: neither ledger nor log', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate');
    const ask = (): Promise<unknown> =>
      shop.sql('auth', 'SELECT (SELECT count(*) FROM orch.log) AS log, (SELECT max(sequence) FROM orch.ledger) AS row');
    const before = await ask();
    for (const command of ['check', 'history', 'current', 'heads', 'branches']) await shop.run(command);
    expect(await ask()).toEqual(before);
  });
});

describe('orch history', () => {
  test('lists the newest first, with what is applied; --verbose has message, author, when and how long', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate', '001');
    const { code, stdout } = await shop.run('history');
    expect(code).toBe(0);
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['SERVICE', 'REVISION', 'PARENTS', 'HEAD', 'STATE', 'MESSAGE'],
      ['auth', '002_b', '001_a', 'head', 'pending', 'b'],
      ['auth', '001_a', 'base', 'applied', 'the first table'],
    ]);
    const verbose = (await shop.run('history', '--verbose')).stdout;
    expect(verbose).toContain('auth 002_b (head)');
    expect(verbose).toMatch(/message: +the first table/);
    expect(verbose).toMatch(/author: +Ann/);
    expect(verbose).toMatch(/state: +applied \d{4}-\d\d-\d\dT[\d:.]+Z, in .* ms, by auth_owner_/);
    expect(verbose).toMatch(/file: +auth\/revisions\/001_a\.up\.sql/);
  });

  test('takes a range, also relative to what is applied, and refuses one that is none', async () => {
    const shop = await makeShop({ auth: { revisions: { ...two, '003_c.up.sql': 'SELECT 1;' } } });
    await shop.run('migrate', '002');
    const names = async (range: string): Promise<unknown> => {
      const { services } = await json(shop, 'history', range);
      return services
        .flatMap(({ revisions }) => revisions as readonly { readonly name: string }[])
        .map(({ name }) => name);
    };
    expect(await names('002:')).toEqual(['003_c', '002_b']);
    expect(await names('base:001')).toEqual(['001_a']);
    expect(await names('current:+1')).toEqual(['003_c', '002_b']);
    const unknown = await shop.run('history', '002_x:');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('did you mean 002_b');
    expect((await shop.run('history', '003:001')).code).toBe(2);
  });

  test('keeps an applied revision whose file is gone in sight, and its note', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate', '001');
    await shop.run('stamp', 'head', '--reason', 'by hand');
    await shop.remove('auth/revisions/002_b.up.sql');
    await shop.remove('auth/revisions/002_b.down.sql');
    expect((await shop.run('history')).stdout).toMatch(/002_b +001_a +applied, file gone/);
    expect((await shop.run('history', '--verbose')).stdout).toMatch(/note: +stamped: by hand/);
  });
});

describe('orch show', () => {
  test('prints what a file says and its texts; of every service that has the revision', async () => {
    const shop = await makeShop({ auth: { revisions: two }, user: { revisions: { '007_x.up.sql': 'SELECT\t7;' } } });
    const { code, stdout } = await shop.run('show', '001');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^auth 001_a\n {2}message: +the first table\n {2}author: +Ann\n/);
    expect(stdout).toMatch(/children: +002_b/);
    expect(stdout).toContain('CREATE TABLE a ();');
    expect(stdout).toContain('DROP TABLE a;');
    const head = (await shop.run('show', 'head')).stdout;
    expect(head).toContain('auth 002_b');
    expect(head).toContain('user 007_x');
    expect(head).toContain('SELECT\t7;');
    expect(head).toContain('no down');
    const unknown = await shop.run('show', '004_q');
    expect(unknown.code).toBe(2);
    expect(unknown.stderr).toContain('has no revision "004_q"');
    expect((await shop.run('show', 'base')).code).toBe(2);
  });

  test('--recorded has the text that was applied, also of a file that is gone; --up and --down print it as it was', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate');
    await shop.write('auth/revisions/001_a.up.sql', 'CREATE TABLE another ();');
    await shop.remove('auth/revisions/002_b.up.sql');
    await shop.remove('auth/revisions/002_b.down.sql');
    const changed = await shop.run('show', '001', '--recorded');
    expect(changed.stdout).toContain('CREATE TABLE a ();');
    expect(changed.stdout).not.toContain('another');
    expect(changed.stdout).toMatch(/recorded: +when it was applied, 2/);
    await shop.write('auth/revisions/001_a.up.sql', (await shop.run('show', '1', '--recorded', '--up')).stdout);
    await shop.write('auth/revisions/002_b.up.sql', (await shop.run('show', '002', '--recorded', '--up')).stdout);
    await shop.write('auth/revisions/002_b.down.sql', (await shop.run('show', '002_b', '--recorded', '--down')).stdout);
    expect((await shop.run('show', '1', '--up')).stdout).toBe(two['001_a.up.sql']);
    expect(await kinds(shop)).toEqual([0]);
    expect((await shop.run('show', '009', '--recorded')).code).toBe(2);
  });
});

describe('orch heads, branches and current', () => {
  test('heads and branches connect to nothing', async () => {
    const shop = await makeShop({
      auth: {
        revisions: {
          ...two,
          '003_x.up.sql': '-- orch:parents 002\n-- orch:labels reports\nSELECT 1;',
          '003_y.up.sql': '-- orch:parents 002\nSELECT 1;',
        },
      },
      user: { revisions: two },
    });
    const unreachable = { ORCH_SERVER_URL: 'postgresql://nobody@127.0.0.1:1/postgres' };
    const heads = await orch(['heads'], { cwd: shop.folder, env: unreachable });
    expect(heads.code).toBe(0);
    expect(heads.stdout).toMatch(/auth +003_x +reports/);
    expect(heads.stdout).toMatch(/auth +003_y/);
    expect(heads.stdout).toMatch(/user +002_b/);
    const branches = await orch(['branches'], { cwd: shop.folder, env: unreachable });
    expect(branches.code).toBe(0);
    expect(branches.stdout).toMatch(/auth +002_b +003_x +reports +003_x/);
    expect(branches.stdout).toMatch(/auth +002_b +003_y +003_y/);
    expect((await orch(['branches', '-s', 'user'], { cwd: shop.folder })).stdout).toBe(
      'No branches: every history is one line.\n',
    );
    expect((await json(shop, 'branches', '-s', 'auth')).services[0]?.branches).toHaveLength(2);
    expect((await json(shop, 'heads', '-s', 'auth')).services[0]?.heads).toMatchObject([
      { name: '003_x' },
      { name: '003_y' },
    ]);
  });

  test('current --verbose has what the ledger says; --check-heads ends with 3 where a database is behind', async () => {
    const shop = await makeShop({ auth: { revisions: two } });
    await shop.run('migrate', '001');
    expect((await shop.run('current')).code).toBe(0);
    expect((await shop.run('current', '--check-heads')).code).toBe(3);
    const verbose = (await shop.run('current', '--verbose')).stdout;
    expect(verbose).toMatch(/^auth \(.*\): 001_a, not at its heads\n/);
    expect(verbose).toMatch(/applied: +\d{4}-.*Z, in /);
    expect(verbose).toMatch(/by: +auth_owner_\w+, from .*, with orch \d/);
    await shop.run('migrate');
    expect((await shop.run('current', '--check-heads')).code).toBe(0);
    const { services } = await json(shop, 'current', '--check-heads');
    expect(services).toMatchObject([
      { service: 'auth', atHeads: true, latest: [{ name: '002_b', parents: ['001_a'] }] },
    ]);
    await shop.write('auth/revisions/notes.txt', 'x');
    expect((await shop.run('current', '--check-heads')).code).toBe(2);
  });
});
