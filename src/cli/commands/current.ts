import type { Command } from 'commander';
import { inspect, type ServiceStatus } from '../../app/inspect.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures, exitCodes } from '../exit-code.ts';
import { collectNames } from '../options.ts';
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
    .option('-s, --service <name>', 'only this service; may be given several times', collectNames, [])
    .option('--check-heads', 'exit 3 where a database is not at its heads')
    .action(async (options: CurrentOptions) => {
      await runCommand(edge, { name: 'current', use: 'databases', options }, async ({ run, answers }) => {
        const statuses = await inspect(run, { services: options.service, containers: false });
        await answers.current(statuses, options.verbose === true);
        // What could not be looked at is a failure; what could not be upgraded is `status`'s business.
        const unread = statuses.flatMap(({ failure, heads }) =>
          failure !== undefined && heads.length === 0 ? [failure] : [],
        );
        return { exitCode: options.checkHeads === true ? exitCodeOfHeads(statuses) : exitCodeOfFailures(unread) };
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
