import { type Command, InvalidArgumentError } from 'commander';
import { writeRevision } from '../../app/write-revision.ts';
import { Failure } from '../../core/failure.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { collectNames } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface RevisionOptions extends CommonOptions {
  readonly message: string;
  readonly service?: string;
  readonly parent: readonly string[];
  readonly ts?: boolean;
  readonly seed?: boolean;
  readonly edit?: boolean;
}

/** `orch revision -m MESSAGE [--service NAME] [--ts] [--parent REVISION…] [--seed] [--edit]` */
export function addRevision(program: Command, edge: Edge): Command {
  return program
    .command('revision')
    .description('write the files of a new revision behind the head, and print their paths')
    .requiredOption('-m, --message <text>', 'what the revision does, such as "add email to users"')
    .option(
      '-s, --service <name>',
      'the service (default: the only one, or the one in whose folder you are)',
      oneName(),
    )
    .option('--ts', 'write it in TypeScript')
    .option(
      '--parent <revision>',
      'the revision to build on instead of the head; may be given several times',
      collectNames,
      [],
    )
    .option('--seed', 'write a seed: data for development, applied after the revisions')
    .option('--edit', 'open the files in $VISUAL or $EDITOR')
    .action(async (options: RevisionOptions) => {
      await runCommand(edge, { name: 'revision', use: 'files', options }, async ({ run, answers }) => {
        const edit = options.edit === true ? requireEditor(edge) : undefined;
        const written = await writeRevision(run, {
          command: 'revision',
          cwd: edge.cwd,
          service: options.service,
          message: options.message,
          language: options.ts === true ? 'typescript' : 'sql',
          seed: options.seed === true,
          parents: options.parent,
        });
        await answers.written(written);
        await edit?.(written.files);
        return { exitCode: 0 };
      });
    });
}

/** Takes `--service` once: a file is written for one service, and the last of two would win without a word. */
export function oneName(): (value: string, earlier: string | undefined) => string {
  return (value, earlier) => {
    if (earlier !== undefined) throw new InvalidArgumentError('A file is written for one service: give it once.');
    return value;
  };
}

/** Asked before anything is written. @throws Failure `usage-invalid` */
function requireEditor(edge: Edge): (files: readonly string[]) => Promise<void> {
  const { edit } = edge;
  if (edit === undefined) throw new Failure('usage-invalid', { message: '--edit needs a terminal' });
  const command = [edge.environment.VISUAL, edge.environment.EDITOR].find((found) => (found ?? '').trim() !== '');
  if (command === undefined)
    throw new Failure('usage-invalid', { message: '--edit needs VISUAL or EDITOR to name an editor' });
  return (files) => edit(command, files);
}
