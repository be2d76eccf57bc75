import type { Drop, Plan, StepOf } from '../core/plan.ts';
import { alignColumns } from './columns.ts';
import type { PhraseContext } from './phrase-context.ts';
import type { Style } from './style.ts';
import { formatCount } from './units.ts';

/** What a downgrade takes back and what data goes with it, for the person who is asked. */
export function formatDowngrade(plan: Plan, context: PhraseContext, style: Style): string {
  const steps = plan.steps.filter((step) => step.kind === 'revert-revision');
  const rows = steps.flatMap((step) => rowsOf(step).map((row) => row.map((cell) => context.clean(cell))));
  const columns = ['SERVICE', 'DATABASE', 'REVERT', 'BECAUSE', 'DATA THAT GOES'].map((title) => ({ title }));
  const [head = '', ...lines] = alignColumns(columns, rows);
  const databases = new Set(steps.map(({ subject }) => subject.database)).size;
  const told = `${formatCount(steps.length, 'revision')} of ${formatCount(databases, 'database')} to be reverted, in this order:`;
  return [style.bold(told), style.dim(head), ...lines, ''].join('\n');
}

/** A line a revision, and one more for each further thing that it drops. */
function rowsOf(step: StepOf<'revert-revision'>): readonly (readonly string[])[] {
  const [first = '', ...more] = dataOf(step);
  const { service, database } = step.subject;
  const name = step.revision.kind === 'seed' ? `seed ${step.revision.name}` : step.revision.name;
  return [[service, database, name, step.because, first], ...more.map((text) => ['', '', '', '', text])];
}

function dataOf({ revision, drops }: StepOf<'revert-revision'>): readonly string[] {
  if (revision.down?.language === 'typescript') return ['not known beforehand: its down is code'];
  return drops.length === 0 ? ['none that its statements name'] : drops.map(phraseDrop);
}

function phraseDrop({ what, table, column, rows, exact }: Drop): string {
  const count = rows === undefined ? 'not there now' : `${exact ? '' : 'about '}${formatCount(rows, 'row')}`;
  if (what === 'column') return `column ${table}.${column ?? ''} (${count})`;
  return what === 'rows' ? `rows of ${table} (of ${count})` : `table ${table} (${count})`;
}
