import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { type Random, randomFrom } from '../config/random.ts';
import { mutateBytes, mutateText } from './mutate.ts';

/** What stands at a path of a case's folder. */
export type Entry = Buffer | { readonly link: string } | 'fifo' | 'folder';

/** One project, spoilt, and what is asked of orch about it. */
export interface FuzzCase {
  /** Path below the project's folder -> what is there. */
  readonly entries: ReadonlyMap<string, Entry>;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What was spoilt, for messages. */
  readonly spoilt: string;
}

const root = join(import.meta.dirname, 'corpus');

function filesBelow(folder: string): ReadonlyMap<string, Buffer> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const paths = entries.map((entry) => join(entry.parentPath, entry.name)).sort();
  return new Map(paths.map((path) => [relative(folder, path), readFileSync(path)]));
}

/** A project that loads. */
export const shop = filesBelow(join(root, 'shop'));
/** Config files that brought orch down once. */
export const found = filesBelow(join(root, 'found'));
/** Files that are hard to read. */
export const nasty = filesBelow(join(root, 'nasty'));
const repository = join(import.meta.dirname, '../..');
const donors: readonly Buffer[] = [
  ...shop.values(),
  ...nasty.values(),
  ...found.values(),
  // Real ones: of this repository, and of the guides' projects.
  ...filesBelow(join(repository, 'test/scenario/guides')).values(),
  readFileSync(join(repository, 'orchestrator.config.yaml')),
  readFileSync(join(repository, 'services/api-auth/service.yaml')),
];

const isConfig = (path: string): boolean => path.endsWith('.yaml');
const isSql = (path: string): boolean => path.endsWith('.sql');

export const commands: readonly (readonly string[])[] = [
  ...[
    ['sql'],
    ['sql', '--downgrade', '007:004', '--service', 'orders'],
    ['sql', '003:', '-s', 'orders'],
    ['sql', ':004', '--service', 'orders'],
    ['sql', '--set', 'region=a"b\'c'],
  ],
  ...[
    ['show', 'head'],
    ['show', '003_rows', '--up'],
    ['show', '005'],
    ['plan'],
    ['check'],
    ['history'],
    ['heads'],
    ['branches'],
  ],
  ...[
    ['revision', '-m', 'add a table', '--service', 'orders'],
    ['merge', '-m', 'together', '--service', 'orders'],
  ],
  ...[
    ['rebase', '006', '--service', 'orders'],
    ['status'],
    ['migrate'],
    ['current'],
    ['downgrade', '-1', '--service', 'orders'],
  ],
];

const formats: readonly (readonly string[])[] = [
  [],
  [],
  ['-o', 'json'],
  ['-o', 'plain'],
  ['-q'],
  ['-v', '--show-data'],
];

/** No case may find an engine. */
const nowhere = {
  DOCKER_HOST: 'unix:///nowhere/docker.sock',
};

const URL_OF_ALL = 'postgresql+psycopg://role:pass%20word@host.example:5432/db?sslmode=require&connect_timeout=3';

const values: readonly string[] = [
  '',
  'x',
  'a: b # c',
  'line\nend',
  '${A}',
  "' OR 1=1 --",
  '"; DROP',
  '\u001b[31m',
  '$$',
  '\0',
  'é'.repeat(70),
  '__proto__',
];

/** The case of that number: the same with the same seed, whatever ran before. */
export function makeCase(seed: number, index: number): FuzzCase {
  const random = randomFrom(Math.imul(seed, 0x9e3779b1) ^ Math.imul(index + 1, 0x85ebca6b));
  // The first numbers that come of seeds next to each other are.
  for (let skipped = 0; skipped < 4; skipped += 1) random.below(2);
  const entries = new Map<string, Entry>(shop);
  const spoilt: string[] = [];
  let args = [...random.pick(commands), ...random.pick(formats)];
  let env: Record<string, string> = { ...nowhere };
  const kind = random.below(100);
  if (kind < 35) spoilt.push(spoilFile(entries, random, isConfig));
  else if (kind < 80) spoilt.push(spoilFile(entries, random, (path) => !isConfig(path)));
  else if (kind < 92) spoilt.push(spoilName(entries, random));
  else if (kind < 95)
    args = args.map((arg, at) => (at > 0 && random.below(2) === 0 ? withoutNul(mutateText(arg, random)) : arg));
  else if (kind < 98) env = { ...env, ...spoiltEnvironment(random) };
  else env = { ...env, ORCH_SERVER_URL_ORDERS: withoutNul(mutateText(URL_OF_ALL, random)) };
  if (random.below(10) === 0) spoilt.push(spoilFile(entries, random, () => true));
  return {
    entries,
    args,
    env,
    spoilt: [...spoilt, `orch ${args.map((arg) => JSON.stringify(arg)).join(' ')}`].join('; '),
  };
}

function spoilFile(entries: Map<string, Entry>, random: Random, isWanted: (path: string) => boolean): string {
  const path = random.pick([...entries.keys()].filter((one) => isWanted(one) && Buffer.isBuffer(entries.get(one))));
  const before = entries.get(path);
  const nastier = [...nasty].filter(([one]) => (isConfig(path) ? isConfig(one) : isSql(one))).map(([, bytes]) => bytes);
  const from = random.below(8) === 0 ? random.pick(nastier) : before;
  const bytes = Buffer.isBuffer(from) ? from : Buffer.alloc(0);
  entries.set(path, random.below(20) === 0 ? bytes : mutateBytes(bytes, random, donors));
  return path;
}

/** Another name, another kind of file, a file more, or one fewer. */
function spoilName(entries: Map<string, Entry>, random: Random): string {
  const path = random.pick([...entries.keys()].filter((one) => one !== 'orchestrator.config.yaml'));
  const at = path.lastIndexOf('/') + 1;
  const name = fileName(mutateText(path.slice(at), random));
  const other = path.slice(0, at) + name;
  const bytes = entries.get(path) ?? Buffer.alloc(0);
  const change = random.below(6);
  if (change !== 1) entries.delete(path);
  if (change === 0 || change === 1) entries.set(other, bytes);
  if (change === 2) entries.set(path, { link: random.pick(links) });
  if (change === 3) entries.set(path, 'fifo');
  if (change === 4) entries.set(path, 'folder');
  return change < 2 ? `${path} -> ${JSON.stringify(other)}` : `${path} (${change})`;
}

const links = [
  '../../../outside/revisions/001_secret.up.sql',
  '/dev/zero',
  '/dev/stdin',
  '/etc/passwd',
  '.',
  'nowhere',
  '001_first_tables.up.sql',
];

/** At most 255 bytes, no `/` and no NUL: what a file system takes. */
function fileName(text: string): string {
  const name = withoutNul(text).replaceAll('/', '_');
  return name === '' || name === '.' || name === '..' || Buffer.byteLength(name) > 255 ? '1' : name;
}

function withoutNul(text: string): string {
  return text.replaceAll('\0', '');
}

function spoiltEnvironment(random: Random): Record<string, string> {
  const names = [
    'SHOP_PORT',
    'SHOP_PASSWORD',
    'SHOP_SCHEMA',
    'SHOP_PASSWORD_FILE',
    'ORCH_SERVER_URL_OTHER',
    'NO_COLOR',
  ];
  return { [random.pick(names)]: withoutNul(random.pick(values)) };
}
