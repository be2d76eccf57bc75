import type { Command } from 'commander';
import { up } from '../../app/upgrade.ts';
import { isFailure } from '../../core/failure.ts';
import type { Outcome } from '../../core/outcome.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { addSetOption, durationOption } from '../options.ts';
import { type CommandWork, type Result, runCommand } from '../run-command.ts';

interface UpOptions extends CommonOptions {
  readonly lockWait?: number;
  readonly failFast?: boolean;
  readonly build?: boolean;
}

/** `orch up [service…]` */
export function addUp(program: Command, edge: Edge): Command {
  const command = program
    .command('up [service...]')
    .description(
      'start PostgreSQL, bring every database to its head, then start the services and wait for their health',
    )
    .option('--build', 'build the images even where they are there')
    .option('--fail-fast', 'stop everything at the first failure')
    .option('--lock-wait <duration>', "how long to wait for another orch's lock", durationOption)
    .action(async (services: readonly string[], options: UpOptions) => {
      const { lockWait } = options;
      const policies = lockWait === undefined ? {} : { lockWait };
      const command = { name: 'up', use: 'containers', options, policies } as const;
      await runCommand(edge, command, (work) => bringUp(work, services, options));
    });
  return addSetOption(command);
}

type Held = NonNullable<CommandWork['run']['ports']['runtime']>;

async function bringUp(work: CommandWork, services: readonly string[], options: UpOptions): Promise<Result> {
  const { run } = work;
  const failFast = options.failFast === true || run.project.policies.failFast;
  const outcome = await up(run, { services, target: 'head', failFast, rebuild: options.build === true });
  if (run.ports.runtime?.holds !== true || !anythingRuns(outcome) || run.signal.aborted) return { outcome };
  await work.report(outcome);
  await holdUntilEnded(run.ports.runtime, run.signal);
  await run.ports.runtime.close();
  await work.answers.stopped(namesOfRunning(outcome));
  return { outcome };
}

/** An interrupt here is how `up` is meant to end: all work was done before, and none is broken off. */
async function holdUntilEnded(runtime: Held, signal: AbortSignal): Promise<void> {
  try {
    await runtime.untilEnded(signal);
  } catch (error) {
    if (!isFailure(error, 'interrupted')) throw error;
  }
}

/** In the foreground, what came up stays up even where another service failed. */
function anythingRuns(outcome: Outcome): boolean {
  return namesOfRunning(outcome).length > 0;
}

function namesOfRunning(outcome: Outcome): readonly string[] {
  const running = outcome.services.filter(({ container }) => container === 'started' || container === 'running');
  return running.map(({ service }) => service);
}
