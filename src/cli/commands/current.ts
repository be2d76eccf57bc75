import type { Command } from 'commander';
import { inspect } from '../../app/inspect.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface CurrentOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch current [--service NAME…]` */
export function addCurrent(program: Command, edge: Edge): Command {
  return program
    .command('current')
    .description('print the applied heads of each database')
    .addOption(serviceOption())
    .action(async (options: CurrentOptions) => {
      await runCommand(edge, { name: 'current', use: 'databases', options }, async ({ run, answers }) => {
        const statuses = await inspect(run, { services: options.service, containers: false });
        await answers.current(statuses);
        return { exitCode: exitCodeOfFailures(statuses.flatMap(({ failure }) => failure ?? [])) };
      });
    });
}
