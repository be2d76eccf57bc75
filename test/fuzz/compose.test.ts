import { execFileSync } from 'node:child_process';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ComposeCli } from '../../src/adapters/compose/compose-cli.ts';
import { loadComposeProject } from '../../src/adapters/compose/compose-project.ts';
import { Failure } from '../../src/core/failure.ts';
import { randomFrom } from '../config/random.ts';
import { nasty, shop } from './fuzz-case.ts';
import { mutateBytes } from './mutate.ts';
import { runs, seed } from './settings.ts';

/** Each asks Compose twice, which takes 0.2 s. */
const count = Math.ceil(runs / 50);

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orch-fuzz-compose-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

function hasCompose(): boolean {
  try {
    execFileSync('docker', ['compose', 'version'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

it.runIf(hasCompose())(
  'Compose files that are spoilt are refused in words or read, and nothing is touched',
  async () => {
    const file = join(folder, 'compose.yaml');
    const { PATH = '', HOME = '' } = process.env;
    const cli = new ComposeCli({
      files: [file],
      project: 'shop',
      folder,
      // Where no engine is: what would touch one fails.
      environment: { PATH, HOME, DOCKER_HOST: 'unix:///nowhere/docker.sock' },
    });
    const donors = [...shop.values(), ...nasty.values()];
    let refused = 0;
    for (let index = 0; index < count; index += 1) {
      const random = randomFrom(Math.imul(seed, 7919) + index);
      const bytes = mutateBytes(shop.get('compose.yaml') ?? Buffer.alloc(0), random, donors);
      await writeFile(file, bytes);
      const loaded = await loadComposeProject(cli, 'shop', [file]).catch((error: unknown) => error);
      const what = `seed ${seed}, case ${index}: ${bytes.toString('base64')}`;
      if (!(loaded instanceof Failure)) expect(loaded, what).toMatchObject({ files: [file] });
      else {
        refused += 1;
        expect(loaded, what).toMatchObject({ code: 'compose-invalid', details: { files: [file] } });
        expect((loaded.details as { message: string }).message, what).not.toBe('');
        // Where Compose names a line, it is told; it does not always.
        if (loaded.at?.line !== undefined) expect(loaded.at.line, what).toBeGreaterThan(0);
      }
      expect(await readdir(folder), what).toEqual(['compose.yaml']);
    }
    expect(refused).toBeGreaterThan(count / 10);
    expect(refused).toBeLessThan(count);
  },
);
