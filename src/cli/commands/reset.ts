import type { Command } from 'commander';
import { reset } from '../../app/reset.ts';
import { approveLoss } from '../approve.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { addSetOption, durationOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface ResetOptions extends CommonOptions {
  readonly yes?: boolean;
  readonly lockWait?: number;
}

/** `orch reset <database or service>` */
export function addReset(program: Command, edge: Edge): Command {
  const command = program
    .command('reset <database>')
    .description("drop one service's database and build it anew; only where the config says `environment: development`")
    .option('-y, --yes', 'do not ask')
    .option('--lock-wait <duration>', "how long to wait for another orch's lock", durationOption)
    .action(async (name: string, options: ResetOptions) => {
      const { lockWait } = options;
      const policies = lockWait === undefined ? {} : { lockWait };
      await runCommand(edge, { name: 'reset', use: 'containers', options, policies }, async ({ run, answers }) => {
        const approve = approveLoss(edge, answers, options);
        return { outcome: await reset(run, { name, approve }) };
      });
    });
  return addSetOption(command);
}
