import { access, constants } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { kill } from 'node:process';
import { execa } from 'execa';
import { Failure } from '../../core/failure.ts';

/** What a call of the Compose CLI came to. */
export interface ComposeAnswer {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  /** Lines of standard error, and of both where output was asked for. */
  readonly lines: readonly string[];
}

interface ComposeCall {
  readonly signal?: AbortSignal | undefined;
  /** Gets every line of both streams as it comes; `stdout` of the answer is then empty. */
  readonly onOutput?: ((line: string) => void) | undefined;
}

interface ComposeCliOptions {
  /** Absolute paths. */
  readonly files: readonly string[];
  readonly project: string;
  readonly folder: string;
  /** The whole environment of the child: nothing of orch's own process is added. */
  readonly environment: Readonly<Record<string, string>>;
  /** From SIGINT to SIGKILL, in ms; default 5 s. */
  readonly patience?: number;
}

/** Ways to call Compose, in the order tried. */
const commands = [['docker', 'compose'], ['docker-compose']] as const;

/**
 * Plain lines, no menus, no colours; and no remote `include` or `extends` (git, oci://): they would bring in foreign
 * container options at each run. Compose itself then refuses them, also where they stand in an included file.
 */
const settings = {
  COMPOSE_PROGRESS: 'plain',
  COMPOSE_ANSI: 'never',
  COMPOSE_MENU: 'false',
  BUILDKIT_PROGRESS: 'plain',
  DOCKER_CLI_HINTS: 'false',
  COMPOSE_EXPERIMENTAL_GIT_REMOTE: 'false',
  COMPOSE_EXPERIMENTAL_OCI_REMOTE: 'false',
};

const tailLength = 200;

/**
 * Finds out whether a Compose CLI may be on the search path. It only looks at files: `docker` without its compose plugin
 * shows when it is called.
 */
export async function hasComposeCli(environment: Readonly<Record<string, string>>): Promise<boolean> {
  const names = commands.flatMap(([name]) => [name, `${name}.exe`]);
  const folders = (environment.PATH ?? environment.Path ?? '').split(delimiter).filter((folder) => folder !== '');
  const candidates = folders.flatMap((folder) => names.map((name) => join(folder, name)));
  const found = await Promise.all(
    candidates.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
}

/** The Compose CLI for one project. Nothing secret is ever put into its arguments. */
export class ComposeCli {
  readonly #options: ComposeCliOptions;
  /** Index into `commands`, once one has answered. */
  #command = 0;

  constructor(options: ComposeCliOptions) {
    this.#options = options;
  }

  /**
   * Runs `docker compose -f … -p … ARGS`, with all profiles on for what names no service.
   * Aborting sends SIGINT to the child and what it started, SIGKILL after some seconds, and rejects with the signal's
   * reason once they are gone.
   * @throws Failure `docker-unavailable` where there is no Compose CLI
   */
  async run(args: readonly string[], call: ComposeCall = {}): Promise<ComposeAnswer> {
    const prefix = [...this.#options.files.flatMap((file) => ['-f', file]), '-p', this.#options.project];
    for (;;) {
      const command = commands[this.#command];
      if (command === undefined) throw noCompose();
      const answer = await this.#spawn([...command, ...prefix, ...args], call);
      if (answer !== undefined) return answer;
      this.#command += 1;
    }
  }

  /** Undefined: this command is not there, or is a `docker` without Compose. */
  async #spawn(command: readonly string[], call: ComposeCall): Promise<ComposeAnswer | undefined> {
    call.signal?.throwIfAborted();
    const [file = '', ...args] = command;
    const child = execa(file, args, {
      cwd: this.#options.folder,
      env: { ...this.#options.environment, ...settings },
      extendEnv: false,
      stdin: 'ignore',
      reject: false,
      all: true,
      // A process group of its own: Ctrl-C of the terminal does not reach it, and with it goes all that it started
      // (docker starts docker-compose, that starts docker buildx).
      detached: true,
      cleanup: false,
    });
    const interruption = interruptOn(call.signal, child.pid, this.#options.patience ?? 5000);
    const tail: string[] = [];
    try {
      for await (const line of child.iterable({ from: call.onOutput === undefined ? 'stderr' : 'all' })) {
        tail.push(line);
        if (tail.length > tailLength) tail.shift();
        call.onOutput?.(line);
      }
    } finally {
      await child;
      interruption.end();
    }
    const result = await child;
    call.signal?.throwIfAborted();
    if (result.code === 'ENOENT' || lacksCompose(tail)) return undefined;
    return { exitCode: result.exitCode, stdout: result.stdout ?? '', lines: tail };
  }
}

/** Docker CLIs say it in these ways; without the plugin `-f` and `-p` are read as docker's own flags. */
function lacksCompose(lines: readonly string[]): boolean {
  const text = lines.slice(0, 5).join('\n');
  return /'compose' is not a docker command|unknown command: docker compose|unknown shorthand flag: '[fp]' in -/.test(
    text,
  );
}

function noCompose(): Failure<'docker-unavailable'> {
  const tried = commands.map((command) => `${command.join(' ')}: not found`);
  return new Failure('docker-unavailable', { what: 'no-compose', reason: '', tried });
}

function interruptOn(signal: AbortSignal | undefined, pid: number | undefined, patience: number): { end(): void } {
  if (signal === undefined || pid === undefined) return { end: () => {} };
  let timer: NodeJS.Timeout | undefined;
  const interrupt = (): void => {
    signalGroup(pid, 'SIGINT');
    timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), patience);
  };
  if (signal.aborted) interrupt();
  signal.addEventListener('abort', interrupt, { once: true });
  return {
    end() {
      signal.removeEventListener('abort', interrupt);
      clearTimeout(timer);
    },
  };
}

function signalGroup(pid: number, signal: 'SIGINT' | 'SIGKILL'): void {
  try {
    kill(-pid, signal);
  } catch (error) {
    // ESRCH: it has just ended by itself.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
