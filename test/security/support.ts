import { expect, onTestFinished } from 'vitest';
import { type Ended, orch, type RunningOrch, startOrch } from '../support/orch.ts';
import { makeProject, type ProjectFolder, type ServiceSketch } from '../support/project-folder.ts';

/** Where no engine is: what these tests tell must not depend on whether the machine has one. */
const withoutEngine = { DOCKER_HOST: 'unix:///nowhere/docker.sock' };

/** Passwords with every character that some encoding changes: a form that is forgotten is a form that is found. */
export const canaries = {
  owner: 'Own\'er "c4n4ry" \\ /+é 7f3a%',
  app: 'Ap\'p "c4n4ry" \\ /+ü 91bc%',
  /** Stands in the SQL of revisions alone: orch cannot know that it is a secret, but for the place where it stands. */
  literal: 'literal-c4n4ry-55d1',
} as const;

/** A text in every form in which it may turn up in another program's output. */
export function formsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  const json = JSON.stringify(secret).slice(1, -1);
  const url = encodeURIComponent(secret);
  const inside = [0, 1, 2].map((offset) => {
    // Inside a longer text the secret may begin at each of the three bytes that make four characters.
    const whole = Buffer.from(`${'x'.repeat(offset)}${secret}`).toString('base64');
    return whole.slice(Math.ceil((offset * 4) / 3), Math.floor(((offset + bytes.length) * 4) / 3));
  });
  const forms = [
    ...[secret, json, JSON.stringify(json).slice(1, -1), url, url.replaceAll('%20', '+'), encodeURI(secret)],
    ...[url.replaceAll("'", '%27'), secret.replaceAll("'", "''"), secret.replaceAll('\\', '\\\\')],
    ...[bytes.toString('hex'), bytes.toString('base64url'), ...inside],
    ...inside.map((form) => form.replaceAll('+', '-').replaceAll('/', '_')),
  ];
  return [...new Set(forms)];
}

/** Where in a text a secret stands, with what is around it; empty: nowhere. Letter case does not count. */
export function leaksIn(text: string, secrets: readonly string[]): readonly string[] {
  const lower = text.toLowerCase();
  return secrets.flatMap(formsOf).flatMap((form) => {
    const at = lower.indexOf(form.toLowerCase());
    return at < 0 ? [] : [`…${text.slice(Math.max(0, at - 60), at + form.length + 20)}…`];
  });
}

/** No output may hold a secret in any form, or a stack trace. */
export function expectNoLeak(ended: Ended, secrets: readonly string[], what: string): void {
  expect(leaksIn(ended.output, secrets), what).toEqual([]);
  expect(ended.output, what).not.toContain('this is a bug in orch');
}

/** A project whose owner's and application role's passwords are the canaries, in files as Docker mounts secrets. */
export async function makeSecretProject(
  revisions: Readonly<Record<string, string>>,
  options: Parameters<typeof makeProject>[1] & { readonly sketch?: ServiceSketch } = {},
): Promise<ProjectFolder> {
  const { sketch = {}, ...rest } = options;
  const project = await makeProject({ shop: { ...sketch, revisions } }, rest);
  await project.write('secrets/owner', `${canaries.owner}\n`);
  await project.write('secrets/app', `${canaries.app}\n`);
  await project.write(
    'shop/service.yaml',
    `name: shop
database: ${project.database('shop')}
owner: { role: ${project.owner('shop')}, passwordFile: ../secrets/owner }
prerequisites:
  roles: [{ name: ${project.app('shop')}, passwordFile: ../secrets/app }]
${sketch.yaml ?? ''}
`,
  );
  return project;
}

export async function run(project: ProjectFolder, args: readonly string[], env: object = {}): Promise<Ended> {
  return await orch(args, { cwd: project.folder, env: { ...withoutEngine, ...env } });
}

/** A running orch, which ends with the test. */
export function start(project: ProjectFolder, args: readonly string[], env: object = {}): RunningOrch {
  const running = startOrch(args, { cwd: project.folder, env: { ...withoutEngine, ...env } });
  onTestFinished(async () => {
    running.child.kill('SIGTERM');
    await running.ended;
  });
  return running;
}

/** A text as an SQL literal in two halves: the SQL holds none of its forms, the server puts it together. */
export function inHalves(text: string): string {
  const half = Math.floor(text.length / 2);
  const quote = (part: string): string => `'${part.replaceAll("'", "''")}'`;
  return `(${quote(text.slice(0, half))} || ${quote(text.slice(half))})`;
}
