import type { Command } from 'commander';
import { rebase } from '../../app/rebase.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { runCommand } from '../run-command.ts';
import { oneName } from './revision.ts';

interface RebaseOptions extends CommonOptions {
  readonly service?: string;
  readonly unchecked?: boolean;
}

/** `orch rebase REVISION [--service NAME] [--unchecked]` */
export function addRebase(program: Command, edge: Edge): Command {
  return program
    .command('rebase <revision>')
    .description('give a revision that is not applied the next number behind the head: its files get new names')
    .option(
      '-s, --service <name>',
      'the service (default: the only one, or the one in whose folder you are)',
      oneName(),
    )
    .option('--unchecked', 'rename also where the database cannot be asked whether the revision is applied')
    .action(async (revision: string, options: RebaseOptions) => {
      await runCommand(edge, { name: 'rebase', use: 'databases', options }, async ({ run, answers }) => {
        const { service } = options;
        const unchecked = options.unchecked === true;
        await answers.rebased(await rebase(run, { command: 'rebase', cwd: edge.cwd, service, revision, unchecked }));
        return { exitCode: 0 };
      });
    });
}
