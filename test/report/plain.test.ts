import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import { createReporter } from '../../src/report/create-reporter.ts';
import { outcomes } from './outcomes.ts';
import { events, failures, holder, revisionNamed, sqlFailure, steps } from './samples.ts';
import { optionsWith, Recorder } from './support.ts';

function tell(list: readonly Event[], changes: Parameters<typeof optionsWith>[2] = {}): string {
  const stderr = new Recorder();
  const stdout = new Recorder();
  const reporter = createReporter(optionsWith(stdout, stderr, changes));
  for (const event of list) reporter.on(event);
  expect(stdout.text).toBe('');
  return stderr.text;
}

describe('plain output', () => {
  it('tells each event in exactly this line', async () => {
    const lines = Object.values(events).map((event) => `[${event.type}]\n${tell([event], { verbose: true })}`);
    await expect(lines.join('\n')).toMatchFileSnapshot('golden/events.txt');
  });

  it('tells each step when it is done in exactly this line', async () => {
    const lines = Object.values(steps).map(
      (step) => `[${step.kind}]\n${tell([{ type: 'step-finished', step, duration: 12, note: undefined }])}`,
    );
    await expect(lines.join('\n')).toMatchFileSnapshot('golden/steps.txt');
  });

  it('says beforehand that a revision runs outside a transaction', () => {
    const step = { ...steps['apply-revision'], revision: revisionNamed('004_idx', ['002_x'], 'none') };
    expect(tell([{ type: 'step-started', step }])).toBe('api-auth  004_idx  applying outside a transaction\n');
  });

  it('names a step that has not ended after 3 s, once, and none that ends before', () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const stderr = new Recorder();
    const reporter = createReporter(optionsWith(new Recorder(), stderr, {}));
    const [long, short] = ['004_long', '005_short'].map((name) => {
      return { ...steps['apply-revision'], id: name, revision: revisionNamed(name, ['002_x']) };
    });
    if (long === undefined || short === undefined) throw new TypeError('there are two');
    reporter.on({ type: 'step-started', step: long });
    vi.advanceTimersByTime(2_999);
    expect(stderr.text).toBe('');
    vi.advanceTimersByTime(60_000);
    expect(stderr.text).toBe('api-auth  004_long  applying\n');
    reporter.on({ type: 'step-started', step: short });
    reporter.on({ type: 'step-finished', step: short, duration: 5, note: undefined });
    vi.advanceTimersByTime(60_000);
    expect(stderr.text.split('\n').slice(1)).toEqual(['api-auth  005_short  applied  5 ms', '']);
  });

  it('tells a wait at growing intervals, and at once when it waits for something else', () => {
    const polls = Array.from({ length: 400 }, (_, index): Event => {
      const probe = index < 200 ? 'tcp' : 'login';
      return { type: 'probe-awaited', server: 'main', probe, reason: 'x', waited: index * 100 };
    });
    const told = tell(polls)
      .trim()
      .split('\n')
      .map((line) => line.split('  '));
    expect(told.map((parts) => parts[2])).toEqual(['1.0 s', '2.0 s', '4.0 s', '8.0 s', '16 s', '20 s']);
    expect(told[5]?.[1]).toBe('waiting: login refused (x)');
  });

  it('says nothing of a wait that is over within a second', () => {
    expect(tell([{ ...events['probe-awaited'], waited: 900 }])).toBe('');
  });

  it('names the holder of a lock, and the next one at once', () => {
    const waits: Event[] = [
      { ...events['lock-awaited'], waited: 1000 },
      { ...events['lock-awaited'], waited: 1100 },
      { ...events['lock-awaited'], holder: { ...holder, pid: 4712 }, waited: 1200 },
    ];
    const told = tell(waits).trim().split('\n');
    expect(told).toHaveLength(2);
    expect(told[0]).toContain(
      'held by pid 4711 (orch lock, role auth_owner, from 10.0.0.3, since 2026-11-20T10:00:00Z)',
    );
    expect(told[1]).toContain('held by pid 4712');
  });

  it('tells progress at most ten times', () => {
    const list = Array.from(
      { length: 1000 },
      (_, index): Event => ({ ...events['step-progressed'], done: index + 1, total: 1000 }),
    );
    expect(tell(list).trim().split('\n')).toHaveLength(10);
  });

  it('tells the notices of the server only when asked, its warnings always', () => {
    const notice: Event = { ...events['notice-received'], severity: 'NOTICE' };
    expect(tell([notice])).toBe('');
    expect(tell([notice], { verbose: true })).toContain('notice: there is');
    expect(tell([events['notice-received']])).toContain('warning: there is');
  });

  it('has no colour and no control character, whatever a database says', () => {
    const nasty: Event = { ...events['notice-received'], message: 'a\u001b[31m\nb\u202e' };
    expect(tell([nasty])).toBe('api-auth  warning: a\\x1b[31m\\nb\\u202e\n');
  });

  it('ends with the summary on stdout and each failure in full, once, on stderr', async () => {
    const stdout = new Recorder();
    const stderr = new Recorder();
    const reporter = createReporter(optionsWith(stdout, stderr));
    reporter.on(events['step-failed']);
    await reporter.close(outcomes.failed);
    await reporter.close(outcomes.failed);
    await reporter.fail(sqlFailure);
    expect(stdout.text).toContain('api-auth');
    expect(stderr.text.match(/now: /g)).toHaveLength(1);
    expect(stderr.text).toContain('now:   rolled back; authdb is at 001_users.');
  });

  it('tells what failed also when the run broke off without an outcome', async () => {
    const stderr = new Recorder();
    const reporter = createReporter(optionsWith(new Recorder(), stderr));
    reporter.on(events['step-failed']);
    reporter.on(events['plan-made']);
    await reporter.close(undefined);
    expect(stderr.text.match(/now: /g)).toHaveLength(2);
  });
});

describe('quiet output', () => {
  it('says nothing but failures', async () => {
    const stdout = new Recorder();
    const stderr = new Recorder();
    const reporter = createReporter(optionsWith(stdout, stderr, { quiet: true }));
    for (const event of Object.values(events)) reporter.on(event);
    expect(stderr.text + stdout.text).toBe('');
    await reporter.close(outcomes.done);
    expect(stderr.text + stdout.text).toBe('');
    await reporter.fail(failures['lock-held']);
    expect(stderr.text).toContain('the lock on authdb was not free within 1 min');
    expect(stdout.text).toBe('');
  });
});
