import type { Command } from 'commander';
import { history } from '../../app/history.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface HistoryOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch history [--service NAME…] [--verbose] [RANGE]` */
export function addHistory(program: Command, edge: Edge): Command {
  return program
    .command('history [range]')
    .description('list the revisions, the newest first, and which are applied (range: a:b, a:, :b; default all)')
    .addOption(serviceOption())
    .action(async (range: string | undefined, options: HistoryOptions) => {
      await runCommand(edge, { name: 'history', use: 'databases', options }, async ({ run, answers }) => {
        const histories = await history(run, { services: options.service, range });
        await answers.history(histories, options.verbose === true);
        return { exitCode: exitCodeOfFailures(histories.flatMap(({ failure }) => failure ?? [])) };
      });
    });
}
