import type { Command } from 'commander';
import { upgrade } from '../../app/upgrade.ts';
import type { Unclear } from '../../core/planners/resumption.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { addSetOption, durationOption, serviceOption, unclearOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface MigrateOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly lockWait?: number;
  readonly failFast?: boolean;
  readonly allowOutOfOrder?: boolean;
  readonly unclear?: Unclear;
}

/** `orch migrate [--service NAME…] [target]` */
export function addMigrate(program: Command, edge: Edge): Command {
  const command = program
    .command('migrate [target]')
    .alias('upgrade')
    .description('bring databases to a target: head (the default), heads, a revision, label@head, +2 or 002+1')
    .addOption(serviceOption())
    .option('--fail-fast', 'stop everything at the first failure')
    .option('--allow-out-of-order', 'apply revisions that came in below an applied one; the ledger says so')
    .addOption(unclearOption())
    .option('--lock-wait <duration>', "how long to wait for another orch's lock", durationOption)
    .action(async (target: string | undefined, options: MigrateOptions) => {
      const { lockWait, service: services } = options;
      const policies = lockWait === undefined ? {} : { lockWait };
      await runCommand(edge, { name: 'migrate', use: 'databases', options, policies }, async ({ run }) => {
        const allowOutOfOrder = options.allowOutOfOrder === true;
        const failFast = options.failFast === true || run.project.policies.failFast;
        const request = { services, target: target ?? 'head', failFast, allowOutOfOrder, unclear: options.unclear };
        return { outcome: await upgrade(run, request) };
      });
    });
  return addSetOption(command);
}
