import { describe, expect, it } from 'vitest';
import { createAnswers } from '../../src/report/answers.ts';
import { createReporter } from '../../src/report/create-reporter.ts';
import {
  type FieldDoc,
  findingFields,
  findingKindFields,
  historyFields,
  shownFields,
} from '../../src/report/json-fields.ts';
import { findings, revisionRow, shownRow } from './looking-samples.ts';
import { failures } from './samples.ts';
import { optionsWith, Recorder } from './support.ts';

type Line = Record<string, unknown>;
type Ask = (answers: ReturnType<typeof createAnswers>) => Promise<void>;

async function answered(
  ask: Ask,
  format: 'plain' | 'json',
): Promise<{ readonly stdout: string; readonly stderr: string }> {
  const [stdout, stderr] = [new Recorder(), new Recorder()];
  const options = optionsWith(stdout, stderr, { format });
  await ask(createAnswers(options, createReporter(options)));
  return { stdout: stdout.text, stderr: stderr.text };
}

async function answeredJson(ask: Ask): Promise<Line> {
  return JSON.parse((await answered(ask, 'json')).stdout) as Line;
}

function expectDocumented(value: Line | undefined, fields: Readonly<Record<string, FieldDoc>>): void {
  expect(Object.keys(value ?? {}).filter((name) => !(name in fields))).toEqual([]);
  const required = Object.keys(fields).filter((name) => !fields[name]?.type.endsWith('?'));
  expect(required.filter((name) => !(name in (value ?? {})))).toEqual([]);
}

const all = Object.values(findings);
const place = { service: 'api-auth', database: 'authdb', heads: ['006_f'] };
const checks = [
  { ...place, findings: all, failure: undefined },
  { ...place, service: 'api-user', findings: [], failure: undefined },
  { ...place, service: 'api-admin', heads: [], findings: [], failure: failures['server-unreachable'] },
];
const histories = [
  {
    service: 'api-auth',
    database: 'authdb',
    revisions: [revisionRow, { ...revisionRow, isHead: false, file: undefined }],
    failure: undefined,
  },
];

describe('answers of the commands that look', () => {
  it('are these texts', async () => {
    const texts = [
      (await answered((answers) => answers.check(checks), 'plain')).stdout,
      (await answered((answers) => answers.check(checks.slice(1, 2)), 'plain')).stdout,
      (await answered((answers) => answers.history(histories, false), 'plain')).stdout,
      (await answered((answers) => answers.history(histories, true), 'plain')).stdout,
      (await answered((answers) => answers.shown([shownRow, { ...shownRow, down: undefined }]), 'plain')).stdout,
    ];
    await expect(texts.join('\n----\n')).toMatchFileSnapshot('golden/looking.txt');
  });

  it('tell in full, on stderr, what could not be checked', async () => {
    const { stderr } = await answered((answers) => answers.check(checks), 'plain');
    expect(stderr.match(/now: /g)).toHaveLength(1);
  });

  it.each(all)('have exactly the documented fields of a finding: $kind', async (finding) => {
    const line = await answeredJson((answers) =>
      answers.check([{ ...place, findings: [finding], failure: undefined }]),
    );
    const [service] = line.services as readonly { readonly findings: readonly Line[] }[];
    expectDocumented(service?.findings[0], { ...findingFields, ...findingKindFields[finding.kind] });
    expect(line.findings).toBe(1);
  });

  it('have exactly the documented fields of a revision', async () => {
    const history = await answeredJson((answers) => answers.history(histories, false));
    const [service] = history.services as readonly { readonly revisions: readonly Line[] }[];
    expectDocumented(service?.revisions[0], historyFields);
    const shown = await answeredJson((answers) => answers.shown([shownRow]));
    expectDocumented((shown.revisions as readonly Line[])[0], shownFields);
  });

  it('steer no terminal, whatever a text holds', async () => {
    const { stdout } = await answered((answers) => answers.shown([shownRow]), 'plain');
    expect(stdout).not.toContain('\u001b');
    expect(stdout).toContain('CREATE\tTABLE \\x1b[31mroles ();');
  });
});
