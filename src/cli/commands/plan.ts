import type { Command } from 'commander';
import { planOnly } from '../../app/upgrade.ts';
import type { CommonOptions, Edge } from '../command-context.ts';
import { exitCodeOfPlan } from '../exit-code.ts';
import { serviceOption } from '../options.ts';
import { runCommand } from '../run-command.ts';

interface PlanOptions extends CommonOptions {
  readonly service: readonly string[];
}

/** `orch plan [--service NAME…] [target]` */
export function addPlan(program: Command, edge: Edge): Command {
  return program
    .command('plan [target]')
    .description('print what `migrate` would do and why; change nothing')
    .addOption(serviceOption())
    .action(async (target: string | undefined, options: PlanOptions) => {
      const { service: services } = options;
      await runCommand(edge, { name: 'plan', use: 'databases', options }, async ({ run, answers }) => {
        const plan = await planOnly(run, { services, target: target ?? 'head' });
        await answers.plan(plan);
        return { exitCode: exitCodeOfPlan(plan) };
      });
    });
}
