import { describe, expect, it, vi } from 'vitest';
import type { Event } from '../../src/core/event.ts';
import type { Step } from '../../src/core/plan.ts';
import { createAnswers } from '../../src/report/answers.ts';
import { createReporter } from '../../src/report/create-reporter.ts';
import { outcomes } from './outcomes.ts';
import { events, revisionNamed, sqlFailure, steps } from './samples.ts';
import { optionsWith, Recorder } from './support.ts';

function terminal(changes: Parameters<typeof optionsWith>[2] = {}, size = { columns: 100, rows: 40 }) {
  const screen = new Recorder(size);
  let time = 0;
  const options = optionsWith(new Recorder(), screen, { environment: { TERM: 'xterm' }, now: () => time, ...changes });
  const reporter = createReporter(options);
  const tell = (...list: readonly Event[]): void => {
    for (const event of list) reporter.on(event);
  };
  const pass = (ms: number): void => {
    time += ms;
  };
  return { screen, reporter, tell, pass, options };
}

function stepsOf(service: string, database: string, ...wanted: readonly Step[]): Step[] {
  return wanted.map((step, index) => ({ ...step, id: `${service}/${index}`, subject: { service, database } }));
}

function finished(step: Step, duration: number, note?: string): Event[] {
  return [
    { type: 'step-started', step },
    { type: 'step-finished', step, duration, note },
  ];
}

const auth = stepsOf(
  'api-auth',
  'authdb',
  steps['create-database'],
  steps['acquire-lock'],
  { ...steps['apply-revision'], revision: revisionNamed('001_users', []) },
  { ...steps['apply-revision'], revision: revisionNamed('002_roles', ['001_users']) },
  steps['wait-healthy'],
);
const user = stepsOf(
  'api-user',
  'apidb',
  steps['acquire-lock'],
  steps['apply-revision'],
  steps['release-lock'],
  steps['start-service'],
);
const plan: Event = { type: 'plan-made', plan: { goal: 'up', steps: [...auth, ...user], refusals: [] } };

describe('the tree on a terminal', () => {
  it('leaves a line for each server, service and revision, and every failure in place', async () => {
    const { screen, reporter, tell, pass } = terminal();
    tell(
      events['run-started'],
      events['runtime-noted'],
      events['server-started'],
      events['probe-awaited'],
      events['server-ready'],
      plan,
    );
    const [first, lock, ...rest] = auth;
    const [userLock, userRevision, ...userRest] = user;
    if (first === undefined || lock === undefined || userLock === undefined || userRevision === undefined)
      throw new Error();
    tell(...finished(first, 30), { type: 'step-started', step: userLock }, ...finished(lock, 1));
    tell(
      { ...events['lock-awaited'], subject: userLock.subject },
      ...rest.slice(0, 2).flatMap((step) => finished(step, 12)),
    );
    tell(
      { type: 'step-finished', step: userLock, duration: 900, note: undefined },
      { type: 'step-started', step: userRevision },
    );
    pass(1500);
    tell({ type: 'step-failed', step: userRevision, failure: sqlFailure, duration: 7 });
    tell(...userRest.map((step): Event => ({ type: 'step-skipped', step, because: 'earlier-failure' })));
    tell(...rest.slice(2).flatMap((step) => finished(step, 600, 'http://127.0.0.1:8001')));
    await reporter.close(undefined);
    await expect(`${screen.screen()}\n`).toMatchFileSnapshot('golden/tree.txt');
  });

  it('paints live: what runs, how long, how far, and who holds the lock', async () => {
    const { screen, reporter, tell, pass } = terminal();
    const [lock, revision] = user;
    if (lock === undefined || revision === undefined) throw new Error();
    tell(plan, { type: 'step-started', step: lock }, { ...events['lock-awaited'], subject: lock.subject });
    await vi.waitFor(() => expect(screen.screen()).toContain('lock on apidb  waiting for it  held by pid 4711'));
    expect(screen.screen()).toContain('◌ api-auth  authdb');
    tell(...finished(lock, 900), { type: 'step-started', step: revision });
    tell({ ...events['step-progressed'], step: revision });
    pass(2300);
    await vi.waitFor(() =>
      expect(screen.screen()).toMatch(/002_x {2}applying {2}2\.3 s {2}1000 of 4000 rows \(25 %\)/),
    );
    expect(screen.screen()).not.toContain('lock on apidb');
    await reporter.close(undefined);
  });

  it('has no colours with NO_COLOR, and colours without it', async () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are what is looked for
    const color = /\u001b\[[0-9;]*m/;
    for (const [environment, colored] of [
      [{ NO_COLOR: '1' }, false],
      [{}, true],
    ] as const) {
      const { screen, reporter, tell } = terminal({ environment });
      tell(events['server-started'], ...auth.flatMap((step) => finished(step, 3)), events['step-failed']);
      await reporter.close(outcomes.failed);
      expect(color.test(screen.text)).toBe(colored);
    }
  });

  it('lets nothing foreign steer the terminal', async () => {
    const { screen, reporter, tell } = terminal({ environment: { NO_COLOR: '1' } });
    tell(plan, { ...events['notice-received'], message: 'x\u001b[2J\u009b3J\u202e s3cret-pa$$' });
    await reporter.close(undefined);
    expect(screen.text).not.toContain('\u001b[2J');
    expect(screen.text).not.toMatch(/[\u0080-\u009f\u202e]/);
    expect(screen.screen()).toContain('warning: x\\x1b[2J\\x9b3J\\u202e ***');
  });

  it('keeps to the width and the height of the terminal while it paints, and tells all of it at the end', async () => {
    const { screen, reporter, tell } = terminal({}, { columns: 40, rows: 12 });
    const many = Array.from({ length: 30 }, (_, index): Step => {
      const name = `${String(index).padStart(3, '0')}_${'long'.repeat(10)}`;
      return { ...steps['apply-revision'], id: name, revision: revisionNamed(name, []) };
    });
    tell(
      { type: 'plan-made', plan: { goal: 'up', steps: many, refusals: [] } },
      ...many.slice(0, 29).flatMap((step) => finished(step, 1)),
    );
    await vi.waitFor(() => expect(screen.screen()).toContain('steps before'));
    const painted = screen.screen().split('\n');
    expect(painted.length).toBeLessThan(12);
    expect(Math.max(...painted.map((line) => line.length))).toBeLessThanOrEqual(40);
    tell(...many.slice(29).flatMap((step) => finished(step, 1)));
    await reporter.close(undefined);
    for (const step of many) expect(screen.screen()).toContain(step.id.slice(0, 30));
  });

  it('paints nothing for a run with nothing to do, but says what has to be said', async () => {
    const { screen, reporter, tell, options } = terminal();
    tell(
      events['run-started'],
      events['runtime-noted'],
      { ...events['server-started'], how: 'running' },
      events['server-ready'],
    );
    tell({ type: 'plan-made', plan: { goal: 'up', steps: [], refusals: [] } });
    await reporter.close(outcomes.unchanged);
    expect(screen.screen()).toContain('runtime local  PGlite: one session a database');
    expect(screen.text).not.toContain('\u001b[?25l');
    expect((options.stdout as Recorder).text).toContain('Nothing to do');
  });

  it('starts anew with a new plan: what an older one began and never ended is gone', async () => {
    const { screen, reporter, tell } = terminal();
    const [lock] = user;
    if (lock === undefined) throw new Error();
    tell(plan, { type: 'step-started', step: lock });
    tell({ type: 'plan-made', plan: { goal: 'up', steps: [], refusals: [] } });
    await reporter.close(undefined);
    expect(screen.screen()).not.toContain('lock on apidb');
    expect(screen.screen()).toContain('✔ api-user');
  });

  it('tells why a service is left alone', async () => {
    const { screen, reporter, tell } = terminal();
    tell(events['plan-made']);
    await reporter.close(outcomes.done);
    expect(screen.screen()).toContain(
      '✖ api-user  apidb  left alone: the ledger of authdb was written by a newer orch',
    );
    expect(screen.screen()).toContain('✖ api-admin  admindb  left alone: it needs api-user');
  });

  it('rests while a question is asked, and goes on below the answer', async () => {
    const { screen, reporter, tell, options } = terminal();
    tell(events['server-started'], events['server-ready']);
    await createAnswers(options, reporter).loss({ name: 'api-auth', database: 'authdb' }, undefined);
    const asked = screen.text.length;
    expect(screen.screen()).toMatch(/✔ main {2}ready {2}3\.4 s\n.*does not exist/);
    screen.write('Type authdb: authdb\n');
    tell(plan, ...auth.flatMap((step) => finished(step, 1)));
    await reporter.close(undefined);
    expect(screen.screen()).toMatch(/main[\s\S]*Type authdb: authdb\n✔ api-auth/);
    expect(screen.text.slice(asked)).not.toContain('main');
  });

  it('shows the cursor again and stops painting when it is closed, also in the middle of a run', async () => {
    const { screen, reporter, tell } = terminal();
    const [lock] = user;
    if (lock === undefined) throw new Error();
    tell(plan, { type: 'step-started', step: lock }, events['stop-requested']);
    await reporter.close(outcomes.interrupted);
    expect(screen.text.lastIndexOf('\u001b[?25h')).toBeGreaterThan(screen.text.lastIndexOf('\u001b[?25l'));
    expect(screen.screen()).toContain('stopping (Ctrl-C)');
    expect(screen.screen()).not.toMatch(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/);
  });

  it('tells what comes after its end as plain lines', async () => {
    const { screen, reporter, tell } = terminal();
    await reporter.close(outcomes.done);
    tell(events['service-exited']);
    expect(screen.text).toBe('api-auth  service  ended with exit code 1  orch logs api-auth\n');
  });
});

describe('the choice of a reporter', () => {
  const kinds = [
    ['a tree on a terminal', { environment: {} }, true],
    ['plain lines on the terminal of a CI system', { environment: { CI: 'true' } }, false],
    ['plain lines on a dumb terminal', { environment: { TERM: 'dumb' } }, false],
    ['plain lines where they are asked for', { format: 'plain' }, false],
    ['a tree where it is asked for', { format: 'tree', environment: { CI: 'true' } }, true],
  ] as const;

  it.each(kinds)('is %s', async (_name, changes, tree) => {
    const { screen, reporter, tell } = terminal(changes);
    tell(...finished(auth[2] as Step, 3));
    await reporter.close(undefined);
    expect(screen.text.includes('✔')).toBe(tree);
  });
});
