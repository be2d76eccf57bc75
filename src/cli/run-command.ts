import { loadProject } from '../config/load-project.ts';
import type { Event } from '../core/event.ts';
import { Failure, isFailure } from '../core/failure.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Project } from '../core/project.ts';
import type { Run } from '../ports/run.ts';
import { type Answers, createAnswers } from '../report/answers.ts';
import { createReporter } from '../report/create-reporter.ts';
import type { Reporter } from '../report/reporter.ts';
import type { ReporterOptions } from '../report/settings.ts';
import type { CommonOptions, Edge, RuntimeUse } from './command-context.ts';
import { exitCodeOfFailure, exitCodeOfOutcome } from './exit-code.ts';

/** What a command's work comes to: an outcome, from which the exit code follows, or an exit code. */
export type Result = { readonly outcome: Outcome } | { readonly exitCode: number };

export interface CommandWork {
  readonly run: Run;
  /** Tells the command's answer on stdout, in the format that was asked for. */
  readonly answers: Answers;
  /** Tells the reporter that the work is over, before the command goes on in the foreground. */
  report(outcome: Outcome): Promise<void>;
}

/**
 * The frame of every command: config, reporter, ports, the work, the words for a failure, the exit code.
 * Anything but a `Failure` is a bug and is thrown on.
 */
export async function runCommand(
  edge: Edge,
  command: {
    readonly name: string;
    readonly use: RuntimeUse;
    readonly options: CommonOptions;
    readonly policies?: Partial<Project['policies']>;
  },
  work: (context: CommandWork) => Promise<Result>,
): Promise<void> {
  let reporter: Reporter | undefined;
  try {
    const loaded = await loadProject({ cwd: edge.cwd, configPath: command.options.config, env: edge.environment });
    const project = withSet({ ...loaded, policies: { ...loaded.policies, ...command.policies } }, command.options.set);
    edge.keepSecret(project.secrets);
    reporter = await openReporter(edge, command.options, project);
    const result = await withRun(edge, command, project, reporter, work);
    edge.setExitCode('outcome' in result ? exitCodeOfOutcome(result.outcome) : result.exitCode);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    reporter ??= await openReporter(edge, command.options, undefined);
    await reporter.fail(error);
    edge.setExitCode(exitCodeOfFailure(error));
  }
}

/** Values of `--set` go before those of the config, for every service. */
function withSet(project: Project, values: Readonly<Record<string, string>> = {}): Project {
  const set = Object.keys(values);
  if (set.length === 0) return project;
  const services = project.services.map((service) => ({ ...service, variables: { ...service.variables, ...values } }));
  return { ...project, services, set };
}

async function withRun(
  edge: Edge,
  command: Parameters<typeof runCommand>[1],
  project: Project,
  reporter: Reporter,
  work: (context: CommandWork) => Promise<Result>,
): Promise<Result> {
  const emit = (event: Event): void => reporter.on(event);
  const { use, options } = command;
  const opened = await edge.open({
    project,
    use,
    runtime: options.runtime,
    stays: command.name === 'up',
    emit,
    signal: edge.signal,
  });
  const { run } = opened;
  let reported = false;
  const report = async (outcome: Outcome): Promise<void> => {
    reported = true;
    await reporter.close(outcome);
  };
  const stop = (): void => {
    const { reason } = edge.signal;
    if (!isFailure(reason, 'interrupted')) return;
    emit({ type: 'stop-requested', signal: reason.details.signal, during: reported ? 'foreground' : 'work' });
  };
  edge.signal.addEventListener('abort', stop, { once: true });
  try {
    const runtime = run.ports.runtime?.kind;
    emit({
      type: 'run-started',
      run: run.writer.run,
      command: command.name,
      project: project.name,
      runtime,
      version: edge.version,
    });
    const result = await work({
      run,
      answers: createAnswers(reporterOptions(edge, options, project), reporter),
      report,
    });
    if (!reported && 'outcome' in result) await report(result.outcome);
    return result;
  } finally {
    if (!reported) await reporter.close(undefined);
    await opened.close();
    edge.signal.removeEventListener('abort', stop);
  }
}

async function openReporter(edge: Edge, options: CommonOptions, project: Project | undefined): Promise<Reporter> {
  return createReporter(reporterOptions(edge, options, project));
}

function reporterOptions(edge: Edge, options: CommonOptions, project: Project | undefined): ReporterOptions {
  return {
    format: options.output,
    quiet: options.quiet === true,
    verbose: options.verbose === true,
    showData: options.showData === true,
    stdout: edge.stdout,
    stderr: edge.stderr,
    environment: edge.environment,
    cwd: edge.cwd,
    project,
    exitCodes: { ofFailure: exitCodeOfFailure, ofOutcome: exitCodeOfOutcome },
  };
}
