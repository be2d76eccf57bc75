import type { Failure } from '../core/failure.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Project } from '../core/project.ts';
import { wantsColor } from './style.ts';
import type { Writer } from './writer.ts';

/** What the command line and the edge give. */
export interface ReporterOptions {
  /** Undefined: a tree on a terminal, plain lines elsewhere. */
  readonly format: 'tree' | 'plain' | 'json' | undefined;
  readonly quiet: boolean;
  /** Tell the server's notices too, not only its warnings. */
  readonly verbose: boolean;
  /** Print DETAIL of server messages, which holds row values. */
  readonly showData: boolean;
  /** For answers. */
  readonly stdout: Writer;
  /** For progress. */
  readonly stderr: Writer;
  /** `NO_COLOR`, `FORCE_COLOR`, `TERM` and `CI` are read from it. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Absolute. */
  readonly cwd: string;
  /** Undefined: the config could not be read. */
  readonly project: Project | undefined;
  /** From `cli/exit-code.ts`: JSON output carries the codes. */
  readonly exitCodes: {
    readonly ofFailure: (failure: Failure) => number;
    readonly ofOutcome: (outcome: Outcome) => number;
  };
  /** Milliseconds since 1970; absent: the system's clock. */
  readonly now?: () => number;
}

/** The options resolved: what everything in this room works with. */
export interface ReportSettings {
  readonly kind: 'tree' | 'plain' | 'json' | 'quiet';
  readonly progress: Writer;
  readonly answers: Writer;
  /** Colours on `progress`. */
  readonly color: boolean;
  /** Colours on `answers`. */
  readonly answersColor: boolean;
  readonly verbose: boolean;
  readonly showData: boolean;
  /** Masked in all text. */
  readonly secrets: readonly string[];
  readonly cwd: string;
  readonly project: Project | undefined;
  readonly exitCodes: ReporterOptions['exitCodes'];
  readonly now: () => number;
}

export function resolveSettings(options: ReporterOptions): ReportSettings {
  const { stdout, stderr, environment, verbose, showData, cwd, project, exitCodes } = options;
  return {
    kind: kindOf(options),
    progress: stderr,
    answers: stdout,
    color: wantsColor(environment, stderr.isTTY === true),
    answersColor: wantsColor(environment, stdout.isTTY === true),
    verbose,
    showData,
    secrets: project?.secrets ?? [],
    cwd,
    project,
    exitCodes,
    now: options.now ?? (() => Date.now()),
  };
}

/** The "terminal" of a CI system shows no live painting; a dumb terminal can't. */
function kindOf({ format, quiet, stderr, environment }: ReporterOptions): ReportSettings['kind'] {
  if (format === 'json') return 'json';
  if (quiet) return 'quiet';
  if (format !== undefined) return format;
  const ci = (environment.CI ?? '') !== '' && environment.CI !== 'false';
  return stderr.isTTY === true && !ci && environment.TERM !== 'dumb' ? 'tree' : 'plain';
}
