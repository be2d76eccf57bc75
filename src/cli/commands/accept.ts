import type { Command } from 'commander';
import { accept } from '../../app/stamp.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { durationOption, serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface AcceptOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly reason: string;
  readonly lockWait?: number;
}

/** `orch accept [--service NAME…] --reason TEXT <revision>` */
export function addAccept(program: Command, edge: Edge): Command {
  return program
    .command('accept <revision>')
    .description(
      'have the ledger take over that the file of an applied revision has changed or is gone; nothing is run',
    )
    .addOption(serviceOption())
    .requiredOption('--reason <text>', 'why: kept in the ledger')
    .option('--lock-wait <duration>', "how long to wait for another orch's lock", durationOption)
    .action(async (revision: string, options: AcceptOptions) => {
      const { lockWait, service: services, reason } = options;
      const policies = lockWait === undefined ? {} : { lockWait };
      await runCommand(edge, { name: 'accept', use: 'databases', options, policies }, async ({ run }) => ({
        outcome: await accept(run, { services, revision, reason }),
      }));
    });
}
