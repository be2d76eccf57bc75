import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A vitest global set-up: the built program is what the tests run, so it is built from the sources as they are. */
export async function setup(): Promise<void> {
  if (process.env.ORCH_TEST_PROGRAM) return;
  await promisify(execFile)('npm', ['run', '--silent', 'build:bundle'], { cwd: new URL('../..', import.meta.url) });
}
