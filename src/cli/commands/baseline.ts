import type { Command } from 'commander';
import { baseline } from '../../app/baseline.ts';
import { approveBaseline } from '../approve.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { addSetOption, collectNames, durationOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface BaselineOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly yes?: boolean;
  readonly reason?: string;
  readonly lockWait?: number;
}

/** `orch baseline [--service NAME…] [--yes] [--reason TEXT]` */
export function addBaseline(program: Command, edge: Edge): Command {
  const command = program
    .command('baseline')
    .description('find out which revision an existing database without a ledger is at, and have a ledger say so')
    .option('-s, --service <name>', 'only this service; may be given several times', collectNames, [])
    .option('-y, --yes', 'do not ask')
    .option('--reason <text>', 'why: kept in the ledger')
    .option('--lock-wait <duration>', "how long to wait for another orch's lock", durationOption)
    .action(async (options: BaselineOptions) => {
      const { lockWait, service: services, reason } = options;
      const policies = lockWait === undefined ? {} : { lockWait };
      await runCommand(edge, { name: 'baseline', use: 'databases', options, policies }, async ({ run, answers }) => {
        const approve = approveBaseline(edge, options.yes === true);
        return { outcome: await baseline(run, { services, reason, tell: answers.baseline, approve }) };
      });
    });
  return addSetOption(command);
}
