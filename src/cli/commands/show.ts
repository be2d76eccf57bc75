import { type Command, Option } from 'commander';
import { show } from '../../app/show.ts';
import type { ShownRevision } from '../../core/answers/shown.ts';
import { Failure } from '../../core/failure.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface ShowOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly recorded?: boolean;
  readonly up?: boolean;
  readonly down?: boolean;
}

/** `orch show [--service NAME…] [--recorded] [--up | --down] <revision>` */
export function addShow(program: Command, edge: Edge): Command {
  return program
    .command('show <revision>')
    .description('print a revision: what its file says of it, and its texts')
    .addOption(serviceOption())
    .option('--recorded', 'as the ledger kept it when it was applied, instead of the file')
    .addOption(new Option('--up', 'only the up text, as it is: to be put into a file').conflicts('down'))
    .option('--down', 'only the down text, as it is')
    .action(async (revision: string, options: ShowOptions) => {
      const recorded = options.recorded === true;
      const use = recorded ? 'databases' : 'files';
      await runCommand(edge, { name: 'show', use, options }, async ({ run, answers }) => {
        const shown = await show(run, { services: options.service, revision, recorded });
        const direction = options.up === true ? 'up' : options.down === true ? 'down' : undefined;
        if (direction === undefined) await answers.shown(shown);
        else await answers.script(pieces(requireText(shown, direction)));
        return { exitCode: 0 };
      });
    });
}

async function* pieces(text: string): AsyncGenerator<string> {
  yield text;
}

/** @throws Failure `usage-invalid` where there is not exactly one such text */
function requireText(shown: readonly ShownRevision[], direction: 'up' | 'down'): string {
  const [first, second] = shown;
  const refuse = (message: string): never => {
    throw new Failure('usage-invalid', { message });
  };
  if (first === undefined) return refuse(`--${direction}: there is no such revision`);
  if (second !== undefined) {
    const names = shown.map(({ service, name }) => `${service} ${name}`).join(', ');
    return refuse(`--${direction} prints one text, and this names several: ${names}; add --service or a full name`);
  }
  const text = first[direction];
  if (text === undefined) return refuse(`${first.name} has no ${direction}`);
  return (
    text.text ?? refuse(`the ledger kept only the checksum of that text (${text.checksum}): it is longer than 1 MB`)
  );
}
