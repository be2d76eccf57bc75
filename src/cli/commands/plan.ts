import type { Command } from 'commander';
import { planOnly } from '../../app/upgrade.ts';
import type { Unclear } from '../../core/planners/resumption.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfPlan } from '../exit-code.ts';
import { addSetOption, serviceOption, unclearOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface PlanOptions extends CommonOptions {
  readonly service: readonly string[];
  readonly allowOutOfOrder?: boolean;
  readonly unclear?: Unclear;
}

/** `orch plan [--service NAME…] [target]` */
export function addPlan(program: Command, edge: Edge): Command {
  const command = program
    .command('plan [target]')
    .description('print what `migrate` would do and why; change nothing')
    .addOption(serviceOption())
    .option('--allow-out-of-order', 'with revisions that came in below an applied one')
    .addOption(unclearOption())
    .action(async (target: string | undefined, options: PlanOptions) => {
      const { service: services } = options;
      await runCommand(edge, { name: 'plan', use: 'databases', options }, async ({ run, answers }) => {
        const plan = await planOnly(run, {
          services,
          target: target ?? 'head',
          allowOutOfOrder: options.allowOutOfOrder === true,
          unclear: options.unclear,
        });
        await answers.plan(plan);
        return { exitCode: exitCodeOfPlan(plan) };
      });
    });
  return addSetOption(command);
}
