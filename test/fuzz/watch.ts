import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ChildMessage } from './child.ts';

/** What befell cases: their numbers with what was wrong, and how often each exit code came. */
export interface Findings {
  readonly wrong: readonly string[];
  readonly codes: Readonly<Record<string, number>>;
}

/** Cases for one child. A process that has loaded as many modules as there were TypeScript revisions is better ended. */
const PER_CHILD = 2000;

/** A case takes 10 ms, the longest attack a second; one that takes this long, in ms, hangs, however busy the machine is. */
const PATIENCE = 300_000;

/** In MB; what grows beyond it ends the child, and that is a finding. */
const HEAP = 700;

/**
 * Runs the cases in children, which may crash, hang or run out of memory: what they were at then is a finding, and the next
 * child goes on behind it.
 * @param seed as `child.ts` takes it
 */
export async function runCases(seed: number | 'attacks', from: number, to: number): Promise<Findings> {
  const base = await mkdtemp(join(tmpdir(), 'orch-fuzz-'));
  const wrong: string[] = [];
  const codes: Record<string, number> = {};
  try {
    for (let next = from; next < to; ) {
      const end = Math.min(to, next + PER_CHILD);
      const ran = await watch(
        fork(
          join(import.meta.dirname, 'child.ts'),
          [join(base, String(next)), String(seed), String(next), String(end)],
          {
            execArgv: ['--import', 'tsx', `--max-old-space-size=${HEAP}`],
            // commander reads it from the process. Without it an engine would be looked for.
            env: { ...process.env, ORCH_RUNTIME: 'compose' },
            stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
          },
        ),
      );
      wrong.push(...ran.wrong);
      for (const [code, count] of Object.entries(ran.codes)) codes[code] = (codes[code] ?? 0) + count;
      next = ran.stoppedAt === undefined ? end : ran.stoppedAt + 1;
      if (ran.stoppedAt !== undefined) wrong.push(`#${ran.stoppedAt}: ${ran.how}`);
    }
  } finally {
    await rm(base, { recursive: true, force: true });
  }
  return { wrong, codes };
}

interface Watched extends Findings {
  /** The case at which the child was ended, or ended itself; undefined: it came to the end. */
  readonly stoppedAt: number | undefined;
  readonly how: string;
}

function watch(child: ChildProcess): Promise<Watched> {
  return new Promise((resolve, reject) => {
    const wrong: string[] = [];
    let codes: Readonly<Record<string, number>> | undefined;
    let at: number | undefined;
    let stderr = '';
    let hangs = false;
    let timer: NodeJS.Timeout | undefined;
    const wait = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        hangs = true;
        child.kill('SIGKILL');
      }, PATIENCE);
    };
    wait();
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-2000);
    });
    child.on('message', (message: ChildMessage) => {
      wait();
      if (message.kind === 'begun') at = message.index;
      else if (message.kind === 'wrong')
        wrong.push(...message.wrong.map((one) => `#${message.index}: ${one.slice(0, 1500)}`));
      else codes = message.codes;
    });
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (codes === undefined && at === undefined)
        reject(new Error(`the child began no case (${code ?? signal}):\n${stderr}`));
      const how = hangs
        ? `hangs: nothing for ${PATIENCE / 1000} s`
        : `ended the process (${code ?? signal}):\n${stderr}`;
      resolve({ wrong, codes: codes ?? {}, stoppedAt: codes === undefined ? at : undefined, how });
    });
  });
}
