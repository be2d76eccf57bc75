import type { Command } from 'commander';
import { offlineScript } from '../../app/offline.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodes } from '../exit-code.ts';
import { addSetOption, serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface SqlOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly downgrade?: boolean;
}

/** `orch sql [range] [--downgrade] [--service NAME…]` */
export function addSql(program: Command, edge: Edge): Command {
  const command = program
    .command('sql [range]')
    .description(
      'print what `migrate` would send as a script for psql; connect to nothing. A range: 002:004, :003, 003: (default: base to heads)',
    )
    .addOption(serviceOption())
    .option('--downgrade', 'what `downgrade` would send: from the upper end of the range to the lower, as in 004:002')
    .action(async (range: string | undefined, options: SqlOptions) => {
      const { service: services } = options;
      await runCommand(edge, { name: 'sql', use: 'files', options }, async ({ run, answers }) => {
        await answers.script(offlineScript(run, { services, range, downgrade: options.downgrade === true }));
        return { exitCode: exitCodes.done };
      });
    });
  return addSetOption(command);
}
