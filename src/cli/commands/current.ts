import type { Command } from 'commander';
import { inspect, type ServiceStatus } from '../../app/inspect.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures, exitCodes } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface CurrentOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly checkHeads?: boolean;
}

/** `orch current [--service NAME…] [--verbose] [--check-heads]` */
export function addCurrent(program: Command, edge: Edge): Command {
  return program
    .command('current')
    .description('print the applied heads of each database')
    .addOption(serviceOption())
    .option('--check-heads', 'exit 3 where a database is not at its heads')
    .action(async (options: CurrentOptions) => {
      await runCommand(edge, { name: 'current', use: 'databases', options }, async ({ run, answers }) => {
        const statuses = await inspect(run, {
          services: options.service,
          containers: false,
          // Whether it is at its heads takes all the files.
          files: options.checkHeads === true || options.verbose === true,
        });
        await answers.current(statuses, options.verbose === true);
        const failures = statuses.flatMap(({ failure }) => failure ?? []);
        return { exitCode: options.checkHeads === true ? exitCodeOfHeads(statuses) : exitCodeOfFailures(failures) };
      });
    });
}

function exitCodeOfHeads(statuses: readonly ServiceStatus[]): number {
  // Where it can't be said, that is no "yes".
  const unknown = statuses.flatMap(({ atHeads, failure }) =>
    atHeads === undefined && failure !== undefined ? [failure] : [],
  );
  if (unknown.length > 0) return exitCodeOfFailures(unknown);
  return statuses.some(({ atHeads }) => atHeads === false) ? exitCodes.findings : exitCodes.done;
}
