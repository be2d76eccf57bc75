import type { Command } from 'commander';
import { listFiles } from '../../app/history.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface HeadsOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch heads [--service NAME…]` */
export function addHeads(program: Command, edge: Edge): Command {
  return program
    .command('heads')
    .description('print the revisions that no other is built on, as the files say; connects to nothing')
    .addOption(serviceOption())
    .action(async (options: HeadsOptions) => {
      await runCommand(edge, { name: 'heads', use: 'files', options }, async ({ run, answers }) => {
        const files = await listFiles(run, { services: options.service });
        await answers.heads(files);
        return { exitCode: exitCodeOfFailures(files.flatMap(({ failure }) => failure ?? [])) };
      });
    });
}
