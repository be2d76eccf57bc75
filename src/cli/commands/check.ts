import type { Command } from 'commander';
import { check } from '../../app/check.ts';
import type { ServiceCheck } from '../../core/answers/check.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfFailures, exitCodes } from '../exit-code.ts';
import { addSetOption, serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface CheckOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch check [--service NAME…]` */
export function addCheck(program: Command, edge: Edge): Command {
  const command = program
    .command('check')
    .description('hold the revision files against the databases; exit 3 with a list where they disagree')
    .addOption(serviceOption())
    .action(async (options: CheckOptions) => {
      await runCommand(edge, { name: 'check', use: 'databases', options }, async ({ run, answers }) => {
        const checks = await check(run, { services: options.service });
        await answers.check(checks);
        return { exitCode: exitCodeOf(checks) };
      });
    });
  return addSetOption(command);
}

/** A database that could not be asked leaves the check undone: that goes before what was found elsewhere. */
function exitCodeOf(checks: readonly ServiceCheck[]): number {
  const failures = checks.flatMap(({ failure }) => failure ?? []);
  if (failures.length > 0) return exitCodeOfFailures(failures);
  return checks.some(({ findings }) => findings.length > 0) ? exitCodes.findings : exitCodes.done;
}
