import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Files } from './project-folder.ts';
import { A, B, failureIn, faultsIn, GOOD, MAIN, makeFolder } from './project-folder.ts';
import { randomFrom } from './random.ts';

const CANARY = 'c4n4ry';
const secretUrl = MAIN.replace('postgres@', `postgres:${CANARY}@`).replace('    password: canary-admin\n', '');

async function shown(files: Files, env: Record<string, string> = {}): Promise<string> {
  return JSON.stringify(await faultsIn(makeFolder({ ...GOOD, ...files }), env));
}

describe('a secret', () => {
  it.each<[string, Files]>([
    [
      'in a line with a fault',
      { 'a/service.yaml': `name: api-a\ndatabase: adb\nowner: { role: public, password: ${CANARY} }\n` },
    ],
    ['that is a number', { 'a/service.yaml': A.replace('canary-a', '4242424242') }],
    ['that is a list', { 'a/service.yaml': A.replace('canary-a', `[${CANARY}]`) }],
    ['that is a default', { 'a/service.yaml': A.replace('canary-a', `\${X:-${CANARY}} \${Y}`) }],
    ['in a URL with a fault', { 'orchestrator.config.yaml': secretUrl.replace('/postgres\n', '/postgres?sslmod=x\n') }],
    ['in a URL that cannot be read', { 'orchestrator.config.yaml': secretUrl.replace(CANARY, `${CANARY}@${CANARY}`) }],
    ['in a URL of another scheme', { 'orchestrator.config.yaml': secretUrl.replace('postgresql:', 'mysql:') }],
    ['in a URL with a missing variable', { 'orchestrator.config.yaml': secretUrl.replace('127.0.0.1', '${HOST}') }],
    ['in a file that is no YAML', { 'a/service.yaml': `${A.replace('canary-a', `"${CANARY}`)}` }],
    ['before a fault of YAML', { 'a/service.yaml': `owner: { role: x, password: ${CANARY}: b: c }\n` }],
    ['on lines of its own', { 'a/service.yaml': A.replace('canary-a', `|\n    ${CANARY}\n   ${CANARY}\n\t${CANARY}`) }],
    [
      'on lines of its own in a file that can be read',
      { 'a/service.yaml': `${A.replace('canary-a', `\n    - ${CANARY}\n    - ${CANARY}`)}` },
    ],
    [
      'under a key with a secret name',
      { 'a/service.yaml': `${A}local: { command: [x], environment: { API_KEY: [${CANARY}] } }\n` },
    ],
  ])('%s is not shown', async (_name, files) => {
    const text = await shown(files);
    expect(text).not.toBe('[]');
    expect(text).not.toContain(CANARY);
    expect(text).not.toContain('4242424242');
  });

  it('from a variable is not shown, wherever it was put', async () => {
    const files = { 'a/service.yaml': A.replace('adb', '${DB_PASSWORD}').replace('a_owner', '${DB_PASSWORD}') };
    const text = await shown(files, { DB_PASSWORD: `${CANARY}!` });
    expect(text).toContain('other text');
    expect(text).not.toContain(CANARY);
    expect(await shown({}, { ORCH_SERVER_URL: `postgres://u:${CANARY}@${CANARY}@h` })).not.toContain(CANARY);
  });

  it('leaves the place of what is behind it in the line as it is', async () => {
    const [fault] = await faultsIn(
      makeFolder({
        ...GOOD,
        'a/service.yaml': `name: api-a\ndatabase: adb\nowner: { password: ${CANARY}, role: public }\n`,
      }),
    );
    expect(fault?.source).toBe('owner: { password: ******, role: public }');
    expect(fault?.source?.slice((fault.column ?? 0) - 1)).toMatch(/^public/);
  });

  it('is not hidden where it is only a variable', async () => {
    const [fault] = await faultsIn(
      makeFolder({ ...GOOD, 'a/service.yaml': A.replace('canary-a', '${PW:?ask the team}') }),
    );
    expect(fault).toMatchObject({
      message: 'the variable PW is not set: ask the team',
      source: '  password: ${PW:?ask the team}',
    });
  });
});

const countSecrets = (text: string): number =>
  text.match(/(?:password: "?|SECRET: |postgresql:\/\/postgres:)c4n4ry|(?<!l:)\/\/postgres:c4n4ry(?=@)/g)?.length ?? 0;

describe('a config changed at random', () => {
  const files: Files = {
    'orchestrator.config.yaml': `${secretUrl}policies: { lockWait: 60s, failFast: true }\n`,
    'a/service.yaml': A.replace('canary-a', CANARY),
    'b/service.yaml': `${B.replace('canary-b', `"${CANARY}"`)}needs: [api-a]\nlocal:\n  command: [node]\n  port: \${PORT:-80}\n  environment:\n    SECRET: ${CANARY}\n`,
  };
  const pieces = [
    ...':-#[]{}\'"|>&*!?,$~%@`/ \n\t\0\r',
    ': ',
    '- ',
    '\n  ',
    '${',
    '${X}',
    '}',
    '$$',
    '*a',
    '&a ',
    '<<: ',
    '__proto__: ',
    '\u202e',
    '\u001b',
    '\ud800',
    '../',
    'null',
    '99999999999',
  ];

  it('loads or fails with a Failure, and shows no secret', async () => {
    const random = randomFrom(1);
    const root = makeFolder({ ...GOOD, ...files });
    const counts = { loaded: 0, invalid: 0 };
    let intact = 0;
    for (let run = 0; run < 1500; run += 1) {
      const name = random.pick(Object.keys(files));
      let text = String(files[name]);
      for (let edits = 1 + random.below(4); edits > 0; edits -= 1) {
        const at = random.below(text.length);
        text = text.slice(0, at) + random.pick([...pieces, '']) + text.slice(at + random.below(6));
      }
      writeFileSync(join(root, name), text);
      const failure = await failureIn(root);
      writeFileSync(join(root, name), String(files[name]));
      counts[failure === undefined ? 'loaded' : 'invalid'] += 1;
      if (failure === undefined) continue;
      expect(failure.code).toBe('config-invalid');
      // A change may take away what tells a secret from other text: its key, or the form of the URL.
      const isIntact =
        countSecrets(text) === countSecrets(String(files[name])) &&
        text.split(CANARY).length - 1 === countSecrets(text);
      if (isIntact) expect(JSON.stringify(failure.details), JSON.stringify(text)).not.toContain(CANARY);
      intact += isIntact ? 1 : 0;
    }
    expect(intact).toBeGreaterThan(300);
    expect(counts.loaded).toBeGreaterThan(20);
    expect(counts.invalid).toBeGreaterThan(300);
  });
});
