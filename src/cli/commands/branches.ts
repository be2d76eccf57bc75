import type { Command } from 'commander';
import { listFiles } from '../../app/history.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface BranchesOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch branches [--service NAME…]` */
export function addBranches(program: Command, edge: Edge): Command {
  return program
    .command('branches')
    .description('print where histories fork, and their labels, as the files say; connects to nothing')
    .addOption(serviceOption())
    .action(async (options: BranchesOptions) => {
      await runCommand(edge, { name: 'branches', use: 'files', options }, async ({ run, answers }) => {
        const files = await listFiles(run, { services: options.service });
        await answers.branches(files);
        return { exitCode: exitCodeOfFailures(files.flatMap(({ failure }) => failure ?? [])) };
      });
    });
}
