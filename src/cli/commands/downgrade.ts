import type { Command } from 'commander';
import { downgrade } from '../../app/downgrade.ts';
import type { Unclear } from '../../core/planners/resumption.ts';
import { approveDowngrade } from '../approve.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { addSetOption, durationOption, serviceOption, unclearOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface DowngradeOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly yes?: boolean;
  readonly lockWait?: number;
  readonly unclear?: Unclear;
}

/** `orch downgrade [--service NAME…] <target>` */
export function addDowngrade(program: Command, edge: Edge): Command {
  const command = program
    .command('downgrade <target>')
    .description('take revisions back down to a target: base, a revision that stays applied, -1 or 003-1')
    .addOption(serviceOption())
    .option('-y, --yes', 'do not ask')
    .addOption(unclearOption())
    .option('--lock-wait <duration>', "how long to wait for another orch's lock", durationOption)
    .action(async (target: string, options: DowngradeOptions) => {
      const { lockWait, service: services } = options;
      const policies = lockWait === undefined ? {} : { lockWait };
      await runCommand(edge, { name: 'downgrade', use: 'databases', options, policies }, async ({ run, answers }) => {
        const approve = approveDowngrade(edge, answers, options.yes === true);
        return { outcome: await downgrade(run, { services, target, approve, unclear: options.unclear }) };
      });
    });
  return addSetOption(command);
}
