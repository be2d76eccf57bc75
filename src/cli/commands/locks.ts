import { type Command, InvalidArgumentError, Option } from 'commander';
import { endSession, findLocks } from '../../app/locks.ts';
import type { EndAction } from '../../ports/sessions.ts';
import { approveEnd } from '../approve.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures, exitCodes } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface LocksOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly cancel?: number;
  readonly terminate?: number;
  readonly yes?: boolean;
}

/** `orch locks [--service NAME…] [--cancel PID | --terminate PID] [--yes]` */
export function addLocks(program: Command, edge: Edge): Command {
  return program
    .command('locks')
    .description("show who holds or waits for orch's locks, and what runs for long; end a session, if told to")
    .addOption(serviceOption())
    .addOption(
      new Option('--cancel <pid>', 'cancel the statement of that session; the session stays, with its locks')
        .argParser(pidOption)
        .conflicts('terminate'),
    )
    .addOption(
      new Option('--terminate <pid>', 'end that session; what it had open is rolled back').argParser(pidOption),
    )
    .option('-y, --yes', 'do not ask')
    .action(async (options: LocksOptions) => {
      const { service: services } = options;
      await runCommand(edge, { name: 'locks', use: 'databases', options }, async ({ run, answers }) => {
        const asked = askedFor(options);
        if (asked === undefined) {
          const found = await findLocks(run, services);
          await answers.locks(found);
          return { exitCode: exitCodeOfFailures(found.flatMap(({ failure }) => failure ?? [])) };
        }
        const approve = approveEnd(edge, answers, asked.action, options.yes === true);
        const ended = await endSession(run, { ...asked, services, approve });
        await answers.ended(ended);
        return { exitCode: ended.result === 'asked' ? exitCodes.findings : exitCodes.done };
      });
    });
}

function askedFor({ cancel, terminate }: LocksOptions): { action: EndAction; pid: number } | undefined {
  if (cancel !== undefined) return { action: 'cancel', pid: cancel };
  return terminate === undefined ? undefined : { action: 'terminate', pid: terminate };
}

function pidOption(value: string): number {
  if (!/^[1-9]\d{0,9}$/.test(value) || Number(value) > 2 ** 31 - 1) {
    throw new InvalidArgumentError('Expected the process id of a session, such as 4711.');
  }
  return Number(value);
}
