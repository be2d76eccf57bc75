import { readdir, readFile } from 'node:fs/promises';
import { onTestFinished } from 'vitest';
import type { Random } from '../config/random.ts';
import { type Gate, holdGate } from '../support/gate.ts';
import { type Ended, type OrchOptions, type RunningOrch, startOrch } from '../support/orch.ts';
import type { ProjectFolder } from '../support/project-folder.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';

export interface StageOptions {
  /** Another `main.js` than the built one, for the runs with the fault. */
  readonly program?: string;
  /** No run takes as long; one that does hangs. In ms. */
  readonly deadline?: number;
}

/** Where an injection takes place: a project, the network to its server, and what was run there. */
export class Stage {
  readonly project: ProjectFolder;
  readonly proxy: TcpProxy;
  readonly draw: Random;
  readonly services: readonly string[];
  /** How many revisions of each service are applied before. */
  readonly applied: number;
  readonly #options: StageOptions;
  /** True: the fault was there. */
  hit = false;
  readonly ended: Ended[] = [];
  /** Command lines of orch and of what it started. */
  readonly commandLines = new Set<string>();
  readonly hung: string[] = [];
  readonly complaints: string[] = [];
  #gate: Gate | undefined;

  constructor(place: Pick<Stage, 'project' | 'proxy' | 'draw' | 'services' | 'applied'>, options: StageOptions) {
    this.project = place.project;
    this.proxy = place.proxy;
    this.draw = place.draw;
    this.services = place.services;
    this.applied = place.applied;
    this.#options = options;
  }

  /** One of the messages that a run sends, by its number, or one behind the last. */
  anyMessage(): number {
    const perService = [46, 21, 16][this.applied] ?? 16;
    return 1 + this.draw.below(perService * this.services.length);
  }

  /** Starts orch behind the network that can be broken. */
  start(args: readonly string[] = ['migrate'], env: OrchOptions['env'] = {}): RunningOrch {
    const { adminRole, adminPassword } = this.project.postgres;
    const login = `${adminRole}:${encodeURIComponent(adminPassword)}`;
    const url = `postgresql://${login}@127.0.0.1:${this.proxy.port}/postgres`;
    return this.startDirect(args, { ORCH_SERVER_URL: url, ...env });
  }

  /** Starts orch without that network. */
  startDirect(args: readonly string[] = ['migrate'], env: OrchOptions['env'] = {}): RunningOrch {
    const { folder } = this.project;
    const run = startOrch(args, {
      cwd: folder,
      env: { DOCKER_HOST: 'unix:///nowhere/docker.sock', TMPDIR: `${folder}/tmp`, ...env },
      program: this.#options.program,
    });
    this.#watch(run, args);
    return run;
  }

  /** Closes the gate in the service's database, for this stage; `GATE` in a revision waits there. */
  async closeGate(service = 'api-a'): Promise<Gate> {
    this.#gate = await holdGate(this.project, service);
    return this.#gate;
  }

  async openGate(): Promise<void> {
    await this.#gate?.open();
  }

  #watch(run: RunningOrch, args: readonly string[]): void {
    const { deadline: limit = 45_000 } = this.#options;
    const deadline = setTimeout(() => {
      this.hung.push(`orch ${args.join(' ')} did not end within ${limit} ms: ${run.output().slice(-400)}`);
      run.child.kill('SIGKILL');
    }, limit);
    const sampling = setInterval(() => void this.#sample(run.child.pid), 60);
    const stop = (): void => {
      clearTimeout(deadline);
      clearInterval(sampling);
    };
    onTestFinished(() => {
      stop();
      run.child.kill('SIGKILL');
    });
    void run.ended.then((ended) => {
      stop();
      this.ended.push(ended);
    }, stop);
  }

  async #sample(pid: number | undefined): Promise<void> {
    if (pid === undefined) return;
    const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
    this.commandLines.add(line.replaceAll('\0', ' '));
    const threads = await readdir(`/proc/${pid}/task`).catch(() => []);
    const lists = await Promise.all(
      threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/children`, 'utf8').catch(() => '')),
    );
    const children = lists.join(' ').split(' ').filter(Boolean).map(Number);
    await Promise.all(children.map((child) => this.#sample(child)));
  }
}

/** What a revision has to run to wait at the gate (`holdGate`). */
export const GATE = 'SELECT pg_catalog.pg_advisory_xact_lock(7001);';
