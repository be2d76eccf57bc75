import type { Loss } from '../core/observed.ts';
import type { Plan } from '../core/plan.ts';
import type { Service } from '../core/project.ts';
import type { Answers } from '../report/answers.ts';
import type { Edge } from './command-context.ts';

/**
 * Shows what will be lost and has the database's name typed. `yes` answers for the person;
 * without it and without a terminal nobody can answer, and nothing is approved. `quiet` keeps silent where nobody is asked.
 */
export function approveLoss(
  edge: Edge,
  answers: Answers,
  { yes = false, quiet = false }: { readonly yes?: boolean; readonly quiet?: boolean },
): (service: Service, loss: Loss | undefined) => Promise<boolean> {
  return async (service, loss) => {
    if (!(yes && quiet)) await answers.loss(service, loss);
    if (yes || loss === undefined) return true;
    if (edge.ask === undefined) return false;
    const typed = await edge.ask(`Type ${service.database} to drop it: `);
    return typed.trim() === service.database;
  };
}

/** Shows what a downgrade does and what data goes, and has `yes` typed; otherwise as `approveLoss`. */
export function approveDowngrade(edge: Edge, answers: Answers, yes: boolean): (plan: Plan) => Promise<boolean> {
  return async (plan) => {
    await answers.downgrade(plan);
    if (yes) return true;
    if (edge.ask === undefined) return false;
    const typed = await edge.ask('Type yes to revert this: ');
    return /^y(es)?$/i.test(typed.trim());
  };
}

/** What would be stamped was told before; has `yes` typed. Otherwise as `approveLoss`. */
export function approveBaseline(
  edge: Edge,
  yes: boolean,
): (matched: readonly { readonly database: string; readonly heads: readonly string[] }[]) => Promise<boolean> {
  return async (matched) => {
    if (yes) return true;
    if (edge.ask === undefined) return false;
    const what = matched.map(({ database, heads }) => `${database} as ${heads.join(' and ') || 'base'}`);
    const typed = await edge.ask(`Type yes to stamp ${what.join(', ')}: `);
    return /^y(es)?$/i.test(typed.trim());
  };
}
