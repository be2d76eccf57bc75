import { expect } from 'vitest';
import {
  answerFields,
  endFields,
  eventFields,
  failureFields,
  stepFields,
  stepKindFields,
} from '../../src/report/json-fields.ts';
import { type Ended, orch, type RunningOrch, startOrch } from '../support/orch.ts';
import type { ProjectFolder } from '../support/project-folder.ts';

/** Where no engine is: what these tests tell must not depend on whether the machine has one. */
const withoutEngine = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };

/** Passwords of `makeProject`; each is looked for in every output. */
const canaries = ['owner-canary-7f3a', 'app-canary-91bc'];

export interface RunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string;
  /** More secrets that no output may have. */
  readonly secrets?: readonly string[];
}

/** Runs orch in the project to its end. No output of any run may hold a secret or a stack trace. */
export async function run(project: ProjectFolder, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const { env, cwd = project.folder, input } = options;
  const started = { cwd, env: { ...withoutEngine, ...env }, ...(input === undefined ? {} : { input }) };
  const ended = await orch(args, started);
  expectClean(ended, [project.postgres.adminPassword, ...(options.secrets ?? [])]);
  return ended;
}

/** A running orch in the project; its end has to be held against `expectClean`. */
export function start(project: ProjectFolder, args: readonly string[]): RunningOrch {
  return startOrch(args, { cwd: project.folder, env: withoutEngine });
}

/** No stack trace, and no secret as it is, URL-encoded or in base64. */
export function expectClean(ended: Ended, secrets: readonly string[] = []): void {
  expect(ended.output).not.toMatch(/^\s+at /m);
  expect(ended.output).not.toContain('this is a bug in orch');
  const lower = ended.output.toLowerCase();
  for (const secret of [...canaries, ...secrets]) {
    for (const form of formsOf(secret)) expect(lower).not.toContain(form.toLowerCase());
  }
}

/** As it is, URL-encoded, and as it stands within a text in base64. */
export function formsOf(secret: string): readonly string[] {
  const encoded = [0, 1, 2].map((offset) => {
    // Inside a longer text the secret may begin at each of the three bytes that make four characters.
    const whole = Buffer.from(`${'x'.repeat(offset)}${secret}`).toString('base64');
    return whole.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + Buffer.byteLength(secret)) * 4) / 3));
  });
  return [secret, encodeURIComponent(secret), encodeURIComponent(secret).replaceAll('%20', '+'), ...encoded];
}

export interface ExpectedFault {
  readonly code: number;
  /** What happened. */
  readonly happened: string | RegExp | readonly (string | RegExp)[];
  /** What the state is now; a part of the line behind `now:`. */
  readonly now: string | RegExp;
  /** What to type next; a part of the lines behind `next:`. */
  readonly next: string | RegExp | readonly (string | RegExp)[];
}

/** A fault that is told in its three parts on stderr, with this exit code. */
export function expectFault(ended: Ended, expected: ExpectedFault): void {
  const { stderr } = ended;
  expect({ code: ended.code, stderr: ended.output }).toMatchObject({ code: expected.code });
  const headline = stderr.indexOf('✖ ');
  const now = stderr.indexOf('\n  now:   ', headline);
  const next = stderr.indexOf('\n  next:  ', now);
  expect([headline >= 0, now > headline, next > now], stderr).toEqual([true, true, true]);
  const parts = [stderr.slice(headline, now), stderr.slice(now, next), stderr.slice(next)] as const;
  for (const [index, wanted] of [expected.happened, expected.now, expected.next].entries()) {
    for (const one of [wanted].flat()) expect(parts[index]).toMatch(one);
  }
}

export interface JsonLine {
  readonly type: string;
  readonly at: string;
  readonly [field: string]: unknown;
}

/** The lines of `--output json`, each parsed and held against the documented fields. */
export function jsonLines(ended: Ended): readonly JsonLine[] {
  expect(ended.stdout).toMatch(/\n$/);
  const lines = ended.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as JsonLine);
  for (const line of lines) expectDocumented(line);
  return lines;
}

interface Doc {
  readonly type: string;
}

const documented: Readonly<Record<string, Readonly<Record<string, Doc>>>> = {
  ...eventFields,
  ...endFields,
  ...answerFields,
};

function expectDocumented(line: JsonLine): void {
  const { type, at, ...fields } = line;
  const docs = documented[type];
  if (docs === undefined) throw new Error(`a line of the undocumented type ${type}`);
  expect(new Date(at).toISOString()).toBe(at);
  expectFields(type, fields, docs);
}

function expectFields(
  what: string,
  value: Readonly<Record<string, unknown>>,
  docs: Readonly<Record<string, Doc>>,
): void {
  expect(Object.keys(docs), what).toEqual(expect.arrayContaining(Object.keys(value)));
  for (const [name, { type }] of Object.entries(docs)) {
    if (value[name] === undefined) expect(type, `${what}: ${name} is missing`).toMatch(/\?$/);
    else expectType(`${what}.${name}`, value[name], type.replace('?', ''));
  }
}

function expectType(what: string, value: unknown, type: string): void {
  if (type.endsWith('[]')) {
    expect(Array.isArray(value), what).toBe(true);
    for (const item of value as unknown[]) expectType(what, item, type.slice(0, -2));
  } else if (type === 'Step') expectStep(what, value as Readonly<Record<string, unknown>>);
  else if (type === 'Failure') expectFields(what, value as Readonly<Record<string, unknown>>, written(failureFields));
  else if (/^[a-z]/.test(type)) expect(typeof value, what).toBe(type === 'integer' ? 'number' : type);
  else expect(typeof value, what).toBe('object');
}

/** `details` and `place` are objects, whose fields are said in words. */
function written(docs: typeof failureFields): Readonly<Record<string, Doc>> {
  return { ...docs, details: { type: 'Details?' }, place: { type: 'Place?' } };
}

function expectStep(what: string, step: Readonly<Record<string, unknown>>): void {
  const kind = step.kind as keyof typeof stepKindFields;
  expect(stepKindFields[kind], `${what} of kind ${String(kind)}`).toBeDefined();
  expectFields(`${what} ${kind}`, step, { ...stepFields, ...stepKindFields[kind] });
}

/** Output with durations, process ids and times made the same in each run. */
export function settled(text: string, project: ProjectFolder): string {
  return text
    .replaceAll(/<?\d+(?:\.\d+)? (?:ms|s)\b/g, '0 ms')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')
    .replaceAll(new RegExp(`_${project.database('x').split('_').at(-1) ?? ''}`, 'g'), '')
    .replaceAll(/ {2,}/g, '  ')
    .replaceAll(/ +$/gm, '');
}

/** Resolves once the condition holds. The test's own deadline bounds it. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20));
}

/** Resolves once a revision of the service is at work in a statement with this text. */
export async function untilRunning(project: ProjectFolder, service: string, text: string): Promise<void> {
  const sql = `SELECT FROM pg_stat_activity WHERE datname = '${project.database(service)}' AND state = 'active'
    AND application_name LIKE 'orch worker%' AND query LIKE '%${text}%'`;
  await until(async () => (await project.sql(undefined, sql)).length > 0);
}
