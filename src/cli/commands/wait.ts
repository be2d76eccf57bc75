import type { Command } from 'commander';
import { waitForServers } from '../../app/operate.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface WaitOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch wait [--service NAME…]` */
export function addWait(program: Command, edge: Edge): Command {
  return program
    .command('wait')
    .description('wait until PostgreSQL truly serves; change nothing')
    .addOption(serviceOption())
    .action(async (options: WaitOptions) => {
      await runCommand(edge, { name: 'wait', use: 'databases', options }, async ({ run }) => {
        await waitForServers(run, options.service);
        return { exitCode: 0 };
      });
    });
}
