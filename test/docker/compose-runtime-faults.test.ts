import { readdir, readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { failureOf } from '../support/compose-project.ts';
import { docker, image, never, observeOne, open, removeToys, serve, takePort, toy } from '../support/compose-toys.ts';

const suite = describe.skipIf(docker.engine === undefined);

afterEach(removeToys);

suite(`the Compose runtime with the Compose CLI ${docker.reason}`, { timeout: 60_000 }, () => {
  it('gives up on a crash loop, with its last log lines', async () => {
    const script = `console.log('about to fall');setTimeout(()=>process.exit(9),100)`;
    const opened = await open({ web: toy(script, { restart: 'always' }) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await failureOf(opened.runtime.waitHealthy(opened.service('web'), never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: expect.stringContaining('crash loop'), logTail: expect.arrayContaining(['about to fall']) },
    });
  });

  it('gives up on a service that exits, though it exits without a fault', async () => {
    const opened = await open({ web: toy(`console.log('bye')`) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await failureOf(opened.runtime.waitHealthy(opened.service('web'), never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'exited with code 0', logTail: ['bye'] },
    });
  });

  it('gives up on an unhealthy service, with what its health check said', async () => {
    const test = ['CMD', 'node', '-e', `console.log('no database');process.exit(1)`];
    const healthcheck = { test, interval: '100ms', timeout: '5s', retries: 1 };
    const opened = await open({ web: toy(serve, { healthcheck }) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await failureOf(opened.runtime.waitHealthy(opened.service('web'), never))).toMatchObject({
      code: 'service-unhealthy',
      details: { state: 'unhealthy', lastAnswer: 'no database' },
    });
  });

  it('leaves nothing behind where the port is taken, and names the address', async () => {
    const taken = await takePort();
    const opened = await open({ web: toy(serve, { ports: [`127.0.0.1:${taken.port}:80`] }) });
    const failure = await failureOf(opened.runtime.startService(opened.service('web'), 'create', never));
    expect(failure).toMatchObject({
      code: 'port-taken',
      details: { service: 'web', address: `127.0.0.1:${taken.port}` },
    });
    expect(await opened.fixture.containers()).toEqual({});
    await taken.release();
    await opened.runtime.startService(opened.service('web'), 'create', never);
    expect(await opened.fixture.containers()).toMatchObject({ web: { state: 'running' } });
  });

  it('names the container whose port it is as a taken port too', async () => {
    const free = await takePort();
    await free.release();
    const ports = [`127.0.0.1:${free.port}:80`];
    const opened = await open({ web: toy(serve, { ports }), other: toy(serve, { ports }) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const failure = await failureOf(opened.runtime.startService(opened.service('other'), 'create', never));
    expect(failure).toMatchObject({ code: 'port-taken', details: { address: `127.0.0.1:${free.port}` } });
    expect(await opened.fixture.containers()).toMatchObject({ web: { state: 'running' } });
    expect(await opened.fixture.containers()).not.toHaveProperty('other');
  });

  it('says which image is missing and why it can not be had', async () => {
    const missing = 'localhost:1/orch/nowhere:1';
    const opened = await open({ web: { image: missing } });
    expect(await observeOne(opened, 'web')).toMatchObject({ state: 'absent', imageMissing: true, image: missing });
    const details = { service: 'web', image: missing };
    const pulled = await failureOf(opened.runtime.buildImage(opened.service('web'), never, () => {}));
    expect(pulled).toMatchObject({ code: 'image-missing', details });
    const started = await failureOf(opened.runtime.startService(opened.service('web'), 'create', never));
    expect(started).toMatchObject({ code: 'image-missing', details });
    expect(await opened.fixture.containers()).toEqual({});
    // Compose ends with 0 here.
    const kept = await open({ web: { image: missing, pull_policy: 'never' } });
    const passedOver = await failureOf(kept.runtime.buildImage(kept.service('web'), never, () => {}));
    expect(passedOver).toMatchObject({ code: 'image-missing', details });
  });

  it('shows the end of the output of an image that does not build, and lets the old container run', async () => {
    const opened = await open({ web: toy(serve) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const before = await opened.fixture.containers();
    await opened.rewrite({ web: { build: '.' } });
    await opened.fixture.write(`FROM ${image}\nRUN echo from the build && exit 3\n`, 'Dockerfile');
    const next = opened.again();
    expect(await failureOf(next.runtime.buildImage(next.service('web'), never, () => {}))).toMatchObject({
      code: 'image-build-failed',
      details: { service: 'web', outputTail: expect.arrayContaining([expect.stringContaining('exit code: 3')]) },
    });
    expect(await opened.fixture.containers()).toEqual(before);
  });

  it.each([
    ['YAML that is none', 'services:\n  web: {image: x\n  b: [\n', "did not find expected ',' or '}'", 1],
    ['an unknown key', 'services:\n  web:\n    imagee: x\n', "additional properties 'imagee' not allowed", undefined],
    [
      'a required variable that is not set',
      `services:\n  web:\n    image: \${ORCH_X:?say which}\n`,
      'say which',
      undefined,
    ],
    [
      'a remote include',
      'include: ["oci://docker.io/x/y:1"]\nservices: {}\n',
      'remote resource is disabled',
      undefined,
    ],
  ])('refuses a compose file with %s, before anything is touched', async (_name, text, words, line) => {
    const opened = await open({ web: toy(serve) });
    await opened.runtime.startService(opened.service('web'), 'create', never);
    const before = await opened.fixture.containers();
    await opened.fixture.write(text);
    const next = opened.again();
    const failures = [
      await failureOf(next.runtime.observe([next.service('web')], { rebuild: false })),
      await failureOf(next.runtime.startService(next.service('web'), 'recreate', never)),
      await failureOf(next.runtime.down([next.service('web')], { volumes: true })),
    ];
    for (const failure of failures) {
      expect(failure).toMatchObject({ code: 'compose-invalid', details: { message: expect.stringContaining(words) } });
      if (line !== undefined) expect(failure).toMatchObject({ at: { file: opened.fixture.file, line } });
    }
    expect(await opened.fixture.containers()).toEqual(before);
  });

  it('names the Compose service that the compose file does not have', async () => {
    const opened = await open({ web: toy(serve) }, { web: { container: 'wep' } });
    expect(await failureOf(opened.runtime.observe([opened.service('web')], { rebuild: false }))).toMatchObject({
      code: 'compose-invalid',
      details: { message: expect.stringContaining('"wep"') },
    });
  });

  it('stops and leaves no child process when it is interrupted in a build', async () => {
    const opened = await open({ web: { build: '.' } });
    await opened.fixture.write(`FROM ${image}\nRUN sleep 300\n`, 'Dockerfile');
    const interrupt = new AbortController();
    const reason = new Error('interrupted');
    const building = opened.runtime.buildImage(opened.service('web'), interrupt.signal, (line) => {
      if (line.includes('sleep 300')) interrupt.abort(reason);
    });
    expect(await failureOf(building)).toBe(reason);
    expect(await processesNaming(opened.fixture.name)).toEqual([]);
  });
});

/** Command lines of this machine's processes that name the project. */
async function processesNaming(project: string): Promise<string[]> {
  const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'utf8').catch(() => '')));
  return lines.filter((line) => line.includes(project)).map((line) => line.replaceAll('\0', ' '));
}
