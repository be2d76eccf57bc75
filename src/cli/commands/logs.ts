import type { Command } from 'commander';
import { logs } from '../../app/operate.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { countOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface LogsOptions extends CommonOptions {
  readonly follow?: boolean;
  readonly tail?: number;
}

/** `orch logs [service…]` */
export function addLogs(program: Command, edge: Edge): Command {
  return program
    .command('logs [service...]')
    .description("print the services' own logs")
    .option('-f, --follow', 'go on with what they write from now on')
    .option('-n, --tail <lines>', 'only the last lines of each', countOption)
    .action(async (services: readonly string[], options: LogsOptions) => {
      await runCommand(edge, { name: 'logs', use: 'containers', options }, async ({ run, answers }) => {
        const follow = options.follow === true;
        for await (const line of logs(run, { services, follow, tail: options.tail })) await answers.logLine(line);
        return { exitCode: 0 };
      });
    });
}
