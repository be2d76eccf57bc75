import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { copySample, type SampleProject } from '../support/sample-project.ts';

const file = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');
const readme = file('README.md');

/** The lines of the README's shell blocks, without their comments. */
const commands = [...readme.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
  (block ?? '').split('\n').flatMap((line) => line.replace(/\s+#.*$/, '').trim() || []),
);

/** Commands that other places run word by word: what holds each. */
const elsewhere: Readonly<Record<string, readonly [path: string, words: string]>> = {
  'npm ci && npm start': ['.ci/first-command.sh', 'npm start'],
  'npm test': ['.ci/run', 'npm test'],
  'docker compose -f compose/compose.yaml up': ['.ci/compose-up.sh', 'compose up'],
  'docker compose -f compose/compose.yaml -f compose/compose.socket.yaml create': [
    'test/docker/socket-override.test.ts',
    "'create'",
  ],
  'docker compose -f compose/compose.yaml -f compose/compose.socket.yaml up orchestrator': [
    'test/docker/socket-override.test.ts',
    "'orchestrator'",
  ],
};

test('every command of the README is run: here, or where it is said', async () => {
  const here = commands.filter((command) => !(command in elsewhere));
  for (const command of commands.filter((line) => line in elsewhere)) {
    const [path, words] = elsewhere[command] ?? ['', ''];
    expect(file(path), `${command} in ${path}`).toContain(words);
  }
  const sample = await copySample();
  onTestFinished(() => sample.remove());
  await sample.start('up').said('3 services ready');
  for (const command of here) expect(await runLine(sample, command), command).toBe(0);
  expect(here.at(-1)).toBe('npx orch down');
});

async function runLine(sample: SampleProject, command: string): Promise<number | null> {
  const [program, ...words] = command.split(' ');
  if (program === 'npx') return (await sample.run(...words.slice(1))).code;
  if (program !== 'curl') return expect.fail(`nothing runs \`${command}\``);
  const url = words.join(' ').replace(':8001', `:${sample.ports['api-auth']}`);
  await promisify(execFile)('curl', ['--fail', '--silent', url]);
  return 0;
}
