import type { Event, RuntimeKind } from '../core/event.ts';
import type { Project } from '../core/project.ts';
import type { Run } from '../ports/run.ts';
import type { Writer } from '../report/writer.ts';

/** Options that every command takes. */
export interface CommonOptions {
  readonly config?: string;
  readonly output?: OutputFormat;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly runtime?: RuntimeKind;
  readonly showData?: boolean;
  /** `--set`, where the command has it. */
  readonly set?: Readonly<Record<string, string>>;
}

type OutputFormat = 'tree' | 'plain' | 'json';

/** How a command uses the runtime: `containers` needs one; `databases` needs one only where PGlite serves them; `files` needs none. */
export type RuntimeUse = 'containers' | 'databases' | 'files';

/** One command's run while it lasts. */
export interface OpenRun {
  readonly run: Run;
  /** Frees what the run holds; stops what a foreground runtime holds. */
  close(): Promise<void>;
}

interface OpenOptions {
  readonly project: Project;
  readonly use: RuntimeUse;
  readonly runtime: RuntimeKind | undefined;
  /** True for `up`: it holds an embedded runtime until it is interrupted. */
  readonly stays: boolean;
  readonly emit: (event: Event) => void;
  readonly signal: AbortSignal;
}

/** What the edge of the program gives to the commands; nothing else of the process is theirs. */
export interface Edge {
  readonly cwd: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly stdout: Writer;
  readonly stderr: Writer;
  readonly version: string;
  /** Aborted with a `Failure` of code `interrupted` on Ctrl-C and SIGTERM. */
  readonly signal: AbortSignal;
  /** Asks a question on the terminal; undefined where there is none to ask on. */
  readonly ask: ((question: string) => Promise<string>) | undefined;
  /** Opens files in the editor that `command` starts and waits until it is closed; undefined where there is no terminal. @throws Failure `editor-failed` */
  readonly edit: ((command: string, files: readonly string[]) => Promise<void>) | undefined;
  /** Builds the ports for one run. @throws Failure `docker-unavailable` */
  open(options: OpenOptions): Promise<OpenRun>;
  setExitCode(code: number): void;
  /** Told once the config is read, for what has to be said where no reporter is: of a bug. */
  keepSecret(secrets: readonly string[]): void;
}
