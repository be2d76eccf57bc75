import type { Command } from 'commander';
import { down } from '../../app/operate.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { runCommand } from '../run-command.ts';

interface DownOptions extends CommonOptions {
  readonly volumes?: boolean;
}

/** `orch down` */
export function addDown(program: Command, edge: Edge): Command {
  return program
    .command('down')
    .description('stop the services and the PostgreSQL that the project owns; keep their data')
    .option('--volumes', 'delete the data of the databases too; only where the config says `environment: development`')
    .action(async (options: DownOptions) => {
      await runCommand(edge, { name: 'down', use: 'containers', options }, async ({ run, answers }) => {
        await answers.stopped(await down(run, { volumes: options.volumes === true }));
        return { exitCode: 0 };
      });
    });
}
