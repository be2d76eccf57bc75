import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

const root = new URL('..', import.meta.url).pathname;

/** One project a kind of test, so that `npm run check` can take the quick ones alone. */
function suite(name: string, folders: readonly string[], options: object = {}): object {
  return {
    root,
    test: {
      name,
      include: folders.map((folder) => `test/${folder}/**/*.test.ts`),
      ...options,
    },
  };
}

// In CI a failed test is tried once more, and vitest says so: a shared machine's stall must not look like a fault of ours.
const retry = process.env.CI === undefined ? 0 : 1;

const withServers = {
  retry,
  // Real servers, real processes: slow machines get the time that they need, and nothing is asserted about it.
  testTimeout: 120_000,
  hookTimeout: 180_000,
  globalSetup: ['test/support/postgres-setup.ts', 'test/support/build.ts'],
};

export default defineConfig({
  root,
  test: {
    // Most of them wait for servers and processes: on two cores one worker, as vitest would have it, leaves half idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default', 'test/faults/report.ts', 'test/support/summary-reporter.ts'],
    projects: [
      // The random ones read thousands of files: seconds, and more where other work shares the machine.
      suite('unit', ['core', 'engine', 'config', 'report', 'services'], { testTimeout: 120_000 }),
      // Thousands of spoilt projects, in processes of their own and through the built program.
      suite('fuzz', ['fuzz'], { testTimeout: 3_600_000, globalSetup: ['test/support/build.ts'] }),
      suite('contract', ['contract'], withServers),
      suite('cli', ['cli'], withServers),
      suite('scenario', ['scenario'], withServers),
      // Dozens of runs of the program in one test.
      suite('security', ['security'], { ...withServers, testTimeout: 300_000 }),
      suite('faults', ['faults'], withServers),
      suite('docker', ['docker'], {
        retry,
        testTimeout: 300_000,
        hookTimeout: 600_000,
        globalSetup: ['test/support/build.ts', 'test/support/sample-images.ts'],
      }),
    ],
  },
});
