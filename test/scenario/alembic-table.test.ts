import { readFileSync } from 'node:fs';
import { appendFile, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RunningOrch } from '../support/orch.ts';
import { copySample, type SampleProject, sampleServices } from '../support/sample-project.ts';

/** Where the table is, from the root of the repository. */
const PAGE = 'README.md';

type ServiceName = (typeof sampleServices)[number];

/** How a row's command is run: what must be so before, and what it must have done. */
interface RowRun {
  /** Commands that bring the databases to where the row begins. */
  readonly before?: readonly string[];
  readonly prepare?: () => Promise<unknown>;
  /** Tidies up behind the row. */
  readonly after?: () => Promise<unknown>;
  /**
   * How the row is run a second and a third time, for one service and for two: with `--service`, with plain words;
   * `once`: its command is about one service, or about everything.
   */
  readonly selects: 'option' | 'words' | 'once';
  /** `ledgers`: exactly those of the selected services have changed; `answer`: it names exactly those. */
  readonly seen: 'ledgers' | 'answer' | 'nothing';
  readonly shows?: RegExp;
  readonly code?: number;
}

const databases = { 'api-auth': 'authdb', 'api-user': 'apidb', 'api-admin': 'admindb' } as const;
const auth = 'services/api-auth/revisions';
const EVERY = ['api-auth', 'api-user', 'api-admin'] as const;

/** One that changes the databases of what it is run for, and no other. */
const moves = (...before: readonly string[]): RowRun => ({ before, selects: 'option', seen: 'ledgers' });
/** One that tells of what it is run for, and of nothing else. */
const answers = (shows: RegExp, ...before: readonly string[]): RowRun => ({
  before,
  selects: 'option',
  seen: 'answer',
  shows,
});
/** One that writes files. */
const writes = (shows: RegExp): RowRun => ({ selects: 'once', seen: 'nothing', shows, after: () => removeNew() });

/** By the command of the row. */
const runs: Readonly<Record<string, RowRun>> = {
  'orch upgrade head': moves('orch migrate', 'orch downgrade -1 --yes'),
  'orch migrate': moves('orch migrate', 'orch downgrade -1 --yes'),
  'orch migrate --service api-auth': {
    before: ['orch migrate', 'orch downgrade -1 --yes'],
    selects: 'once',
    seen: 'ledgers',
  },
  'orch upgrade 002': moves('orch migrate', 'orch downgrade 001 --yes'),
  'orch upgrade +1': moves('orch migrate', 'orch downgrade 001 --yes'),
  'orch upgrade heads': moves('orch migrate', 'orch downgrade -1 --yes'),
  'orch up': {
    before: ['orch migrate', 'orch downgrade -1 --yes'],
    selects: 'words',
    seen: 'ledgers',
    shows: /https?:/,
  },
  'orch wait': { selects: 'option', seen: 'nothing' },
  'orch downgrade -1 --yes': moves('orch migrate'),
  'orch downgrade 001 --yes': moves('orch migrate'),
  'orch downgrade base --yes': moves('orch migrate'),
  'orch current': answers(/001_|002_|003_|005_/, 'orch migrate'),
  'orch current --verbose': answers(/applied: +\S+, in \d+ m?s\n {2}by: +auth_owner/),
  'orch current --check-heads': answers(/003_sessions/),
  'orch history': answers(/002_roles +001_initial_users_table +applied/),
  'orch history --verbose': answers(/state: +applied .*, in \d+ m?s, by auth_owner/),
  'orch history 001:002': answers(/002_roles/),
  'orch heads': answers(/003_sessions/),
  'orch branches': { selects: 'option', seen: 'nothing', shows: /No branches/ },
  'orch status': answers(/003_sessions +none +running/),
  'orch plan': answers(/apply 003_sessions +it is pending/, 'orch downgrade -1 --yes'),
  'orch show 002': answers(/CREATE TABLE roles/, 'orch migrate'),
  'orch show 002 --recorded': answers(/CREATE TABLE roles/),
  'orch sql': answers(/apply revision 001_initial_users_table\nBEGIN;/),
  'orch sql 001:002': answers(/apply revision 002_roles/),
  'orch sql --downgrade 002:001': answers(/revert revision 002_roles/),
  'orch revision --service api-auth -m "add phone to users"': writes(/004_add_phone_to_users\.up\.sql/),
  'orch revision --service api-auth --autogenerate -m "add fax to users"': {
    ...writes(/004_add_fax_to_users\.up\.sql/),
    before: ['orch migrate'],
    prepare: () => query('authdb', 'ALTER TABLE users ADD COLUMN fax text'),
  },
  'orch revision --service api-auth --autogenerate --check': {
    selects: 'once',
    seen: 'nothing',
    code: 3,
    shows: /ALTER TABLE public\.users ADD COLUMN fax text;/,
    after: () => query('authdb', 'ALTER TABLE users DROP COLUMN fax'),
  },
  'orch revision --service api-auth --ts -m "fill phones"': writes(/004_fill_phones\.ts/),
  'orch revision --service api-auth --seed -m "demo phones"': writes(/seeds\/002_demo_phones\.up\.sql/),
  'orch merge --service api-auth -m "Merge migrations"': {
    ...writes(/005_merge_migrations\.up\.sql/),
    prepare: async () => {
      await sample.write(`${auth}/004_mine.up.sql`, 'SELECT 1;\n');
      await sample.write(`${auth}/004_theirs.up.sql`, 'SELECT 1;\n');
    },
  },
  'orch rebase --service api-auth 003_mine': {
    ...writes(/004_mine\.up\.sql/),
    prepare: () => sample.write(`${auth}/003_mine.up.sql`, 'SELECT 1;\n'),
  },
  'orch stamp 001 --reason "repaired by hand"': { ...moves('orch stamp head'), after: () => orch('orch stamp head') },
  'orch stamp head --purge': { selects: 'option', seen: 'ledgers' },
  'orch baseline --yes': {
    selects: 'option',
    seen: 'ledgers',
    prepare: () => Promise.all(EVERY.map((service) => query(databases[service], 'DROP SCHEMA IF EXISTS orch CASCADE'))),
    after: () => orch('orch baseline --yes'),
  },
  // A seed is not what a catalog shows, so `baseline` leaves it pending.
  'orch check': answers(/No findings/, 'orch migrate'),
  'orch accept 001 --reason "a comment only"': {
    selects: 'option',
    seen: 'ledgers',
    prepare: () => Promise.all(EVERY.map((service) => appendFile(first(service), '-- a comment\n'))),
    after: () => orch('orch stamp head --purge'),
  },
  'orch reset authdb --yes': { selects: 'once', seen: 'nothing', shows: /3 revisions and 1 seed applied/ },
  'orch logs api-auth --tail 5': { selects: 'once', seen: 'answer', shows: /api-auth/ },
  'orch down': { selects: 'once', seen: 'nothing' },
};

/** The `orch …` of the table's last column, in its order. */
function readCommands(): readonly string[] {
  const page = readFileSync(new URL(`../../${PAGE}`, import.meta.url), 'utf8');
  const section = page.split('## Coming from Alembic\n')[1]?.split('\n## ')[0] ?? '';
  const rows = section.split('\n').filter((line) => line.startsWith('| '));
  return rows.slice(2).flatMap((row) => {
    const found = [...(row.split('|').at(-2) ?? '').matchAll(/`(orch [^`]+)`/g)].map(([, command]) => command ?? '');
    expect(found, `no orch command in: ${row}`).not.toEqual([]);
    return found;
  });
}

const commands = readCommands();
let sample: SampleProject;
let holder: RunningOrch;
let files: ReadonlySet<string>;

beforeAll(async () => {
  sample = await copySample();
  holder = sample.start('up');
  await holder.said('3 services ready');
  files = new Set(await listFiles());
});

afterAll(() => sample?.remove());

test('every row of the table has a run, and every run a row', () => {
  expect([...commands].sort()).toEqual(Object.keys(runs).sort());
  expect(new Set(commands).size).toBe(commands.length);
});

test.each(commands)('%s', async (command) => {
  const row = runs[command] ?? expect.fail('there is no run for it');
  for (const selected of row.selects === 'once' ? [undefined] : [undefined, ['api-auth'], ['api-auth', 'api-user']]) {
    for (const line of row.before ?? []) await orch(line);
    await row.prepare?.();
    const before = await positions();
    const { stdout } = await orch([command, ...selection(row, selected)].join(' '), row.code);
    expect(stdout).toMatch(row.shows ?? /(?:)/);
    const expected = selected ?? [/--service (\S+)/.exec(command)?.[1] ?? EVERY].flat();
    if (row.seen === 'ledgers') expect(await changed(before), `${command} ${selected}`).toEqual(expected);
    if (row.seen === 'answer' && row.selects !== 'once')
      expect(EVERY.filter((service) => stdout.includes(service))).toEqual(expected);
    await row.after?.();
  }
});

test('the last row has ended everything', async () => {
  expect(commands.at(-1)).toBe('orch down');
  expect((await holder.ended).code).toBe(0);
  for (const service of sampleServices) expect((await sample.health(service)).status).toBe(0);
});

function selection(row: RowRun, selected: readonly string[] | undefined): readonly string[] {
  if (selected === undefined) return [];
  return row.selects === 'words' ? selected : ['--service', selected.join(',')];
}

/** Runs a command line as a shell would. */
async function orch(line: string, code = 0): Promise<{ readonly stdout: string }> {
  const [, ...words] = [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
  const ended = await sample.run(...words);
  expect(ended.code, `${line}\n${ended.output}`).toBe(code);
  return ended;
}

/** How far each service's log of actions is. */
async function positions(): Promise<ReadonlyMap<ServiceName, string>> {
  const found = EVERY.map(async (service) => [service, await position(databases[service])] as const);
  return new Map(await Promise.all(found));
}

async function position(database: string): Promise<string> {
  const [table] = await query<{ found: boolean }>(database, "SELECT to_regclass('orch.log') IS NOT NULL AS found");
  if (table?.found !== true) return 'none';
  const [row] = await query<{ at: string }>(database, 'SELECT max(sequence)::text AS at FROM orch.log');
  return row?.at ?? 'empty';
}

/** One statement as superuser; nothing where the database is served no more. */
async function query<Row>(database: string, statement: string): Promise<readonly Row[]> {
  const text = await readFile(join(sample.folder, '.orch', 'local', 'state.json'), 'utf8').catch(() => '{}');
  const state = JSON.parse(text) as { databases?: readonly { database: string; host: string; port: number }[] };
  const place = state.databases?.find((one) => one.database === database);
  if (place === undefined) return [];
  const client = new pg.Client({ host: place.host, port: place.port, user: 'postgres', database });
  await client.connect();
  try {
    return (await client.query(statement)).rows as readonly Row[];
  } finally {
    await client.end();
  }
}

async function changed(before: ReadonlyMap<ServiceName, string>): Promise<readonly string[]> {
  const now = await positions();
  return EVERY.filter((service) => now.get(service) !== before.get(service));
}

function first(service: ServiceName): string {
  const name = { 'api-auth': 'initial_users_table', 'api-user': 'profiles', 'api-admin': 'initial_schema' }[service];
  return join(sample.folder, 'services', service, 'revisions', `001_${name}.up.sql`);
}

async function listFiles(): Promise<readonly string[]> {
  const folders = [auth, 'services/api-auth/seeds'];
  const listed = await Promise.all(
    folders.map(async (folder) => (await readdir(join(sample.folder, folder))).map((file) => join(folder, file))),
  );
  return listed.flat();
}

/** Deletes the files that a row has written, so that the next one finds the sample as it was. */
async function removeNew(): Promise<void> {
  for (const file of await listFiles()) if (!files.has(file)) await rm(join(sample.folder, file));
}
