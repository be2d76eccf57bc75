import { expect, test } from 'vitest';
import { orch } from '../support/orch.ts';
import { makeProject, type ProjectFolder } from '../support/project-folder.ts';
import { Model, type ModelFile, nameOf } from './model.ts';

/** `ORCH_TEST_SEED=7,8 npm test -- --project scenario test/scenario/model.test.ts` takes others. */
const seeds = (process.env.ORCH_TEST_SEED ?? '1,2,3').split(',').map(Number);
const STEPS = Number(process.env.ORCH_TEST_STEPS ?? 45);

/** mulberry32: the same numbers for the same seed. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Player {
  readonly model = new Model();
  readonly said: string[] = [];
  readonly #project: ProjectFolder;
  readonly #random: () => number;
  #version = 0;

  constructor(project: ProjectFolder, random: () => number) {
    this.#project = project;
    this.#random = random;
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }

  #chance(likely: number): boolean {
    return this.#random() < likely;
  }

  #oneOf<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #known(): readonly string[] {
    return [...new Set([...this.model.files.keys(), ...this.model.ledger.keys()])].sort();
  }

  async step(): Promise<void> {
    const plays = [
      ...[this.#add, this.#add, this.#add, this.#edit, this.#editDown, this.#remove, this.#restore],
      ...[this.#migrate, this.#migrate, this.#migrate, this.#migrate, this.#downgrade, this.#downgrade],
      ...[this.#stamp, this.#accept, this.#accept],
    ];
    await this.#oneOf(plays).call(this);
  }

  async #add(): Promise<void> {
    const free = Array.from({ length: 40 }, (_, index) => index + 1).filter((number) => !this.#isUsed(number));
    const top = Math.max(0, ...[...this.model.files.values()].map((file) => file.number));
    // Mostly behind the others; now and then a merge brings one in below.
    const behind = free.filter((number) => number > top).slice(0, 3);
    const number = this.#oneOf(this.#chance(0.75) && behind.length > 0 ? behind : free);
    const lower = [...this.model.files.values()].map((file) => file.number).filter((other) => other < number);
    const explicit =
      lower.length > 0 && this.#chance(0.3) ? [...new Set([this.#oneOf(lower), this.#oneOf(lower)])] : undefined;
    this.#version += 1;
    const down = this.#chance(0.93) ? this.#version : undefined;
    await this.#write({ number, explicit, up: this.#version, down });
    this.said.push(
      `add ${nameOf(number)} parents ${explicit?.join(' ') ?? 'by number'}${down === undefined ? ' no down' : ''}`,
    );
  }

  #isUsed(number: number): boolean {
    return this.model.files.has(nameOf(number)) || this.model.ledger.has(nameOf(number));
  }

  async #write(file: ModelFile): Promise<void> {
    const name = nameOf(file.number);
    this.model.files.set(name, file);
    const head = file.explicit === undefined ? '' : `-- orch: parents ${file.explicit.map(nameOf).join(' ')}\n`;
    const folder = `svc/revisions/${name}`;
    await this.#project.write(`${folder}.up.sql`, `${head}-- ${file.up}\nCREATE TABLE IF NOT EXISTS t_${name} ();\n`);
    if (file.down === undefined) return;
    const traced = `INSERT INTO public.trace (what) VALUES ('${name} ${file.down}');`;
    await this.#project.write(`${folder}.down.sql`, `DROP TABLE IF EXISTS t_${name};\n${traced}\n`);
  }

  async #edit(): Promise<void> {
    if (this.model.files.size === 0) return;
    const name = this.#oneOf([...this.model.files.keys()]);
    this.#version += 1;
    await this.#write({ ...(this.model.files.get(name) as ModelFile), up: this.#version });
    this.said.push(`edit ${name}`);
  }

  async #editDown(): Promise<void> {
    if (this.model.files.size === 0) return;
    const name = this.#oneOf([...this.model.files.keys()]);
    this.#version += 1;
    await this.#write({ ...(this.model.files.get(name) as ModelFile), down: this.#version });
    this.said.push(`edit the down of ${name}`);
  }

  /** Not one that another's `parents` line names: such a folder cannot be read. */
  async #remove(): Promise<void> {
    const named = new Set([...this.model.files.values()].flatMap(({ explicit }) => explicit ?? []));
    const free = [...this.model.files.values()].filter(({ number }) => !named.has(number));
    if (free.length === 0 || this.#chance(0.4)) return;
    const name = nameOf(this.#oneOf(free).number);
    this.model.files.delete(name);
    await this.#project.remove(`svc/revisions/${name}.up.sql`);
    await this.#project.remove(`svc/revisions/${name}.down.sql`);
    this.said.push(`remove ${name}`);
  }

  /** Brings the applied text of a changed revision back. */
  async #restore(): Promise<void> {
    const changed = [...this.model.files.keys()].filter((name) => this.model.isChanged(name));
    if (changed.length === 0) return;
    const name = this.#oneOf(changed);
    await this.#write({ ...(this.model.files.get(name) as ModelFile), up: this.model.ledger.get(name)?.up ?? 0 });
    this.said.push(`restore ${name}`);
  }

  async #migrate(): Promise<void> {
    const target = this.#chance(0.6) ? this.#oneOf(['head', 'heads']) : this.#oneOf([...this.#known(), 'heads']);
    const allow = this.model.late().length > 0 && this.#chance(0.6);
    const expected = this.model.migrate(target, allow);
    await this.#run(expected, 'migrate', target, ...(allow ? ['--allow-out-of-order'] : []));
  }

  async #downgrade(): Promise<void> {
    const target = this.#oneOf(['-1', '-1', ...(this.#chance(0.3) ? ['base'] : []), ...this.#known()]);
    // Nothing is applied: there is no one to go below.
    const expected = this.model.downgrade(target);
    await this.#run(expected, 'downgrade', target, '--yes');
  }

  async #stamp(): Promise<void> {
    const target = this.#oneOf(['heads', ...this.#known()]);
    const purge = this.#chance(0.3);
    const expected = this.model.stamp(target, purge);
    await this.#run(expected, 'stamp', target, ...(purge ? ['--purge'] : []), '--reason', 'a test');
  }

  async #accept(): Promise<void> {
    if (this.#known().length === 0) return;
    const bad = this.#known().filter((name) => this.model.isChanged(name) || this.model.isMissing(name));
    const name = this.#oneOf(bad.length > 0 && this.#chance(0.85) ? bad : this.#known());
    const expected = this.model.accept(name);
    await this.#run(expected, 'accept', name, '--reason', 'a test');
  }

  async #run(expected: boolean, ...args: readonly string[]): Promise<void> {
    this.said.push(`orch ${args.join(' ')}  # ${expected ? 'done' : 'refused'}`);
    const { code, output } = await orch(args, { cwd: this.#project.folder });
    const story = `${this.said.join('\n')}\n\n${output}`;
    expect(code === 0, story).toBe(expected);
    expect([0, 2, 7], story).toContain(code);
    await this.#compare(story);
  }

  /** The ledger, the heads and the catalog are what the model says. */
  async #compare(story: string): Promise<void> {
    const { model } = this;
    const [found] = await this.#project.sql<{ rows: string[]; heads: string[]; tables: string[]; trace: string[] }>(
      'svc',
      `SELECT
        (SELECT coalesce(array_agg(name || ' <- ' || array_to_string(ARRAY(SELECT unnest(parents) ORDER BY 1), ' ') ORDER BY name), '{}')
         FROM orch.ledger WHERE state = 'applied') AS rows,
        (SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM orch.heads) AS heads,
        (SELECT coalesce(array_agg(tablename::text ORDER BY tablename), '{}') FROM pg_tables WHERE tablename LIKE 't\\_%') AS tables,
        (SELECT coalesce(array_agg(what ORDER BY what), '{}') FROM public.trace) AS trace`,
    );
    const rows = [...model.ledger].map(([name, { parents }]) => `${name} <- ${[...parents].sort().join(' ')}`);
    expect(found, story).toEqual({
      rows: rows.sort(),
      heads: model.ledgerHeads(),
      tables: [...model.tables].map((name) => `t_${name}`).sort(),
      trace: [...model.trace].sort(),
    });
  }
}

test.each(seeds)(
  'random graphs and commands leave what a simple model says: seed %i',
  { timeout: 600_000 },
  async (seed) => {
    const project = await makeProject({ svc: { revisions: { '000_r.up.sql': '', '000_r.down.sql': '' } } });
    expect((await orch(['migrate'], { cwd: project.folder })).code).toBe(0);
    await project.sql('svc', 'CREATE TABLE public.trace (what text)');
    await project.sql('svc', 'GRANT INSERT ON public.trace TO PUBLIC');
    expect((await orch(['downgrade', 'base', '--yes'], { cwd: project.folder })).code).toBe(0);
    await project.remove('svc/revisions/000_r.up.sql');
    await project.remove('svc/revisions/000_r.down.sql');
    const player = new Player(project, randomOf(seed));
    for (let step = 0; step < STEPS; step += 1) await player.step();
    expect(player.said.length).toBeGreaterThan(STEPS / 2);
  },
);
