import type { Reporter, TestCase, TestModule } from 'vitest/node';

/**
 * Says at the end what was skipped, by count and reason, and closes with one line of counts.
 * Where ORCH_TEST_FORBID_SKIP is set, a skipped test fails the run: CI has all that any test needs.
 */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = { passed: 0, failed: 0, skipped: 0 };
    const reasons = new Map<string, number>();
    for (const module of modules) {
      if (module.state() === 'failed' && [...module.children.allTests()].length === 0) counts.failed += 1;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'pending') continue;
        counts[state] += 1;
        if (state === 'skipped') reasons.set(reasonOf(test), (reasons.get(reasonOf(test)) ?? 0) + 1);
      }
    }
    for (const [reason, count] of reasons) print(`skipped ${count}: ${reason}`);
    if (counts.skipped > 0 && process.env.ORCH_TEST_FORBID_SKIP) {
      print('skipping is forbidden here (ORCH_TEST_FORBID_SKIP)');
      process.exitCode = 1;
    }
    print(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  }
}

/** What the test said when it skipped itself; else the title of its outermost suite, which names what it needs. */
function reasonOf(test: TestCase): string {
  const result = test.result();
  if ('note' in result && result.note !== undefined) return result.note;
  let title = test.name;
  for (let parent: TestCase['parent'] | TestModule = test.parent; parent.type === 'suite'; parent = parent.parent)
    title = parent.name;
  return title;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
