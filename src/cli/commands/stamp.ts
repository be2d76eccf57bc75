import type { Command } from 'commander';
import { stamp } from '../../app/stamp.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { addSetOption, durationOption, serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface StampOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly purge?: boolean;
  readonly reason?: string;
  readonly lockWait?: number;
}

/** `orch stamp [--service NAME…] [--purge] [--reason TEXT] <target>` */
export function addStamp(program: Command, edge: Edge): Command {
  const command = program
    .command('stamp <target>')
    .description('have the ledger say that a database is at a target, without running anything')
    .addOption(serviceOption())
    .option('--purge', 'write every row anew, whatever the ledger says now')
    .option('--reason <text>', 'why: kept in the ledger')
    .option('--lock-wait <duration>', "how long to wait for another orch's lock", durationOption)
    .action(async (target: string, options: StampOptions) => {
      const { lockWait, service: services, reason } = options;
      const policies = lockWait === undefined ? {} : { lockWait };
      await runCommand(edge, { name: 'stamp', use: 'databases', options, policies }, async ({ run }) => ({
        outcome: await stamp(run, { services, target, purge: options.purge === true, reason }),
      }));
    });
  return addSetOption(command);
}
