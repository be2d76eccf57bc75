import type { Command } from 'commander';
import { merge } from '../../app/merge.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { runCommand } from '../run-command.ts';
import { oneName } from './revision.ts';

interface MergeOptions extends CommonOptions {
  readonly message?: string;
  readonly service?: string;
}

/** `orch merge [REVISION…] [-m MESSAGE] [--service NAME]` */
export function addMerge(program: Command, edge: Edge): Command {
  return program
    .command('merge [revisions...]')
    .description('write the revision that joins several heads (default: all of them), and print its paths')
    .option('-m, --message <text>', 'what it says of itself (default: what it joins)')
    .option('-s, --service <name>', 'the service (default: the only one with several heads)', oneName())
    .action(async (revisions: readonly string[], options: MergeOptions) => {
      await runCommand(edge, { name: 'merge', use: 'files', options }, async ({ run, answers }) => {
        const { service, message } = options;
        await answers.written(await merge(run, { command: 'merge', cwd: edge.cwd, service, message, revisions }));
        return { exitCode: 0 };
      });
    });
}
