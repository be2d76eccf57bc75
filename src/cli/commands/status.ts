import type { Command } from 'commander';
import { inspect, type ServiceStatus } from '../../app/inspect.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures, exitCodes } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface StatusOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch status [--service NAME…]` */
export function addStatus(program: Command, edge: Edge): Command {
  return program
    .command('status')
    .description('print what is applied, what is pending and which containers run; exit 3 when something is pending')
    .addOption(serviceOption())
    .action(async (options: StatusOptions) => {
      await runCommand(edge, { name: 'status', use: 'containers', options }, async ({ run, answers }) => {
        const statuses = await inspect(run, { services: options.service, containers: true });
        await answers.status(statuses);
        return { exitCode: exitCodeOf(statuses) };
      });
    });
}

function exitCodeOf(statuses: readonly ServiceStatus[]): number {
  const failures = statuses.flatMap(({ failure }) => failure ?? []);
  if (failures.length > 0) return exitCodeOfFailures(failures);
  return statuses.some(({ pending }) => pending !== undefined && pending.length > 0) ? exitCodes.findings : 0;
}
