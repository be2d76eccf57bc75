import { describe, expect, it } from 'vitest';
import { createAnswers } from '../../src/report/answers.ts';
import { createReporter } from '../../src/report/create-reporter.ts';
import {
  answerFields,
  endFields,
  eventFields,
  type FieldDoc,
  failureFields,
  stepFields,
  stepKindFields,
} from '../../src/report/json-fields.ts';
import { revisionRow, shownRow } from './looking-samples.ts';
import { outcomes } from './outcomes.ts';
import { events, failures, sqlFailure, steps } from './samples.ts';
import { optionsWith, Recorder } from './support.ts';

type Line = Record<string, unknown>;

async function linesOf(work: (reporter: ReturnType<typeof createReporter>) => unknown, changes = {}): Promise<Line[]> {
  const stdout = new Recorder();
  const stderr = new Recorder();
  await work(createReporter(optionsWith(stdout, stderr, { format: 'json', ...changes })));
  expect(stderr.text).toBe('');
  return stdout.text
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

/** Every field is documented; every documented field is there, except those that may be left out. */
function expectDocumented(value: Line, fields: Readonly<Record<string, FieldDoc>>): void {
  expect(Object.keys(value).filter((name) => !(name in fields))).toEqual([]);
  const required = Object.keys(fields).filter((name) => !fields[name]?.type.endsWith('?'));
  expect(required.filter((name) => !(name in value))).toEqual([]);
}

const frame: Record<string, FieldDoc> = {
  type: { type: 'string', meaning: '' },
  at: { type: 'string', meaning: '' },
};

describe('JSON output', () => {
  it.each(Object.values(events))('has exactly the documented fields: $type', async (event) => {
    const [line, ...more] = await linesOf((reporter) => reporter.on(event));
    expect(more).toEqual([]);
    expect(Object.keys(line ?? {}).slice(0, 2)).toEqual(['type', 'at']);
    expect(line).toMatchObject({ type: event.type, at: '2026-11-20T10:00:00.000Z' });
    expectDocumented(line ?? {}, { ...frame, ...eventFields[event.type] });
  });

  it.each(Object.values(steps))('has exactly the documented fields of a step: $kind', async (step) => {
    const [line] = await linesOf((reporter) => reporter.on({ type: 'step-started', step }));
    expectDocumented(line?.step as Line, { ...stepFields, ...stepKindFields[step.kind] });
  });

  it.each(Object.values(failures))('has exactly the documented fields of a failure: $code', async (failure) => {
    const [line] = await linesOf((reporter) => reporter.fail(failure));
    expectDocumented(line ?? {}, { ...frame, ...endFields['run-failed'] });
    expectDocumented(line?.failure as Line, failureFields);
    expect(line?.failure).toMatchObject({ code: failure.code, next: expect.any(Array) });
  });

  it('ends a run with its outcome, its exit code and all failures', async () => {
    const [line] = await linesOf((reporter) => reporter.close(outcomes.failed));
    expectDocumented(line ?? {}, { ...frame, ...endFields['run-finished'] });
    expect(line).toMatchObject({ type: 'run-finished', exitCode: 5, failures: [{ code: 'sql-failed', exitCode: 5 }] });
  });

  it('never holds the text of a revision', async () => {
    const stdout = new Recorder();
    const reporter = createReporter(optionsWith(stdout, new Recorder(), { format: 'json' }));
    for (const event of Object.values(events)) reporter.on(event);
    expect(stdout.text).not.toContain('SELECT 1');
  });

  it('holds DETAIL only when asked to', async () => {
    const [hidden] = await linesOf((reporter) => reporter.fail(sqlFailure));
    const [shown] = await linesOf((reporter) => reporter.fail(sqlFailure), { showData: true });
    expect(JSON.stringify(hidden)).not.toContain('ada@example.org');
    expect(shown).toMatchObject({ failure: { details: { detail: expect.stringContaining('ada@example.org') } } });
  });

  it('masks secrets, keeps every other value, and is harmless on a terminal', async () => {
    const message = 'a\u001b[31m\u009b\u202e\u007f pa s3cret-pa$$ "q"';
    const stdout = new Recorder();
    const reporter = createReporter(optionsWith(stdout, new Recorder(), { format: 'json' }));
    reporter.on({ ...events['notice-received'], message });
    expect(stdout.text).toMatch(/^[\x20-\x7e]*\n$/);
    expect((JSON.parse(stdout.text) as Line).message).toBe('a\u001b[31m\u009b\u202e\u007f pa *** "q"');
  });

  it('writes each answer as one documented line', async () => {
    const stdout = new Recorder();
    const options = optionsWith(stdout, new Recorder(), { format: 'json' });
    const answers = createAnswers(options, createReporter(options));
    const row = {
      service: 'a',
      database: 'b',
      heads: [],
      appliedAt: undefined,
      applied: 0,
      pending: [],
      container: undefined,
      failure: sqlFailure,
    };
    await answers.current([row]);
    await answers.status([row]);
    await answers.plan(events['plan-made'].plan);
    await answers.loss({ name: 'a', database: 'b' }, undefined);
    await answers.written({
      service: 'a',
      kind: 'merge',
      name: '003_m',
      message: 'm',
      parents: ['1', '2'],
      files: ['/f'],
    });
    const move = { from: '002_x', to: '003_x', files: [{ from: '/a', to: '/b' }] };
    const mention = { service: 'b', file: '/c', requires: 'a@002_x', now: 'a@003_x' };
    await answers.rebased({ service: 'a', behind: '002_y', revisions: [move], mentions: [mention] });
    await answers.script(
      (async function* () {
        yield 'SELECT 1;\n';
      })(),
    );
    await answers.history([{ service: 'a', database: 'b', revisions: [revisionRow], failure: undefined }], false);
    const files = { service: 'a', heads: [revisionRow], branches: [], failure: undefined };
    await answers.heads([files]);
    await answers.branches([files]);
    await answers.shown([shownRow]);
    await answers.check([]);
    await answers.baseline([
      {
        ...{ service: 'a', database: 'b', verdict: 'differs', heads: ['001_x'], stamps: [], alike: [], ledgers: [] },
        ...{ foreign: [], seeds: [], failure: sqlFailure },
        differences: [{ what: 'extra', object: { kind: 'table', name: 't', of: undefined } }],
      },
    ]);
    await answers.stopped(['auth']);
    await answers.logLine({ service: 'a', stream: 'stdout', text: 'hello' });
    const lines = stdout.text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
    expect(lines.map((line) => line.type)).toEqual(Object.keys(answerFields));
    for (const line of lines)
      expectDocumented(line, { ...frame, ...answerFields[line.type as keyof typeof answerFields] });
  });
});
