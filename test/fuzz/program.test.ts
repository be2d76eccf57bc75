import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FakeServer, fatal, startFakeServer } from '../support/fake-server.ts';
import { type RunningOrch, startOrch } from '../support/orch.ts';
import { CaseFolder } from './case-folder.ts';
import { type FuzzCase, makeCase } from './fuzz-case.ts';
import { judge } from './run-case.ts';
import { runs, seed, told } from './settings.ts';

/** Of the built program: a process takes ten times as long as a case in a process that is there. */
const processes = Math.ceil(runs / 10);

/** Other cases than those of `fuzz.test.ts`. */
const FIRST = 1_000_000;

/** As long as a process may take, in ms: it takes a fifth of a second. */
const PATIENCE = 300_000;

let base: string;
let server: FakeServer;

beforeAll(async () => {
  base = await mkdtemp(join(tmpdir(), 'orch-fuzz-program-'));
  // It lets nobody in, at once: no command waits for it, and whatever host a config names is not looked up.
  server = await startFakeServer((_startup, socket) => socket.end(fatal('28P01', 'nobody comes in')));
});

afterAll(async () => {
  await server.close();
  await rm(base, { recursive: true, force: true });
});

describe('the built program', () => {
  it('takes spoilt projects with a documented exit code, and no stack trace, control character or file of its own', async () => {
    const wrong: string[] = [];
    const codes = new Map<number | null, number>();
    let next = FIRST;
    const work = async (worker: number): Promise<void> => {
      const folder = new CaseFolder(join(base, String(worker)));
      for (let index = next++; index < FIRST + processes; index = next++) {
        const fuzzCase = makeCase(seed, index);
        folder.fill(fuzzCase);
        const before = folder.list();
        const { code, stdout, stderr, hangs } = await runToItsEnd(fuzzCase, folder);
        codes.set(code, (codes.get(code) ?? 0) + 1);
        const faults = hangs ? ['hangs'] : judge(fuzzCase, folder, before, { code: code ?? undefined, stdout, stderr });
        wrong.push(...faults.map((fault) => `#${index}: ${fault}\n${stderr.slice(0, 1000)}`));
      }
    };
    await Promise.all([work(0), work(1)]);
    expect(told(wrong), `seed ${seed}, ${processes} processes`).toEqual([]);
    expect(codes.get(0) ?? 0).toBeGreaterThan(processes / 20);
    expect(codes.get(2) ?? 0).toBeGreaterThan(processes / 5);
    expect([...codes.values()].reduce((sum, one) => sum + one, 0)).toBe(processes);
  });
});

async function runToItsEnd({ args, env }: FuzzCase, folder: CaseFolder) {
  const running: RunningOrch = startOrch(args, {
    cwd: folder.project,
    env: {
      ...env,
      ORCH_RUNTIME: 'compose',
      ORCH_SERVER_URL: `postgresql://postgres@127.0.0.1:${server.port}/postgres?sslmode=disable`,
      // Nor may a name of its own that a case gives a service lead elsewhere.
      ORCH_SERVER_URL_ORDERS: env.ORCH_SERVER_URL_ORDERS === undefined ? undefined : '',
    },
  });
  let hangs = false;
  const timer = setTimeout(() => {
    hangs = true;
    running.child.kill('SIGKILL');
  }, PATIENCE);
  const ended = await running.ended;
  clearTimeout(timer);
  return { ...ended, hangs };
}
