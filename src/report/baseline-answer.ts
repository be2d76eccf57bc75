import type { ServiceBaseline } from '../core/answers/baseline.ts';
import { phraseDifference } from './difference-phrases.ts';
import { type PhraseContext, shellWord } from './phrase-context.ts';
import type { Style } from './style.ts';
import { formatCount, formatList } from './units.ts';

/** `orch baseline`: what each database was found to be. Why one matches no revision is its failure's to tell. */
export function formatBaseline(rows: readonly ServiceBaseline[], context: PhraseContext, style: Style): string {
  return rows.map((row) => formatRow(row, context, style)).join('');
}

/** A row in JSON: each difference with its words. */
export function writtenBaseline({ differences, ...row }: ServiceBaseline, failure: object | undefined): object {
  return { ...row, differences: differences.map((one) => ({ ...one, message: phraseDifference(one) })), failure };
}

function formatRow(row: ServiceBaseline, context: PhraseContext, style: Style): string {
  const name = style.bold(context.clean(`${row.service} (${row.database})`));
  const isFine = row.failure === undefined;
  const mark = isFine ? style.green('✔') : style.red('✖');
  const lines = [...ledgerLines(row), ...matchLines(row), ...foreignLines(row)];
  return [
    `${mark} ${name}: ${context.clean(phraseVerdict(row))}`,
    ...lines.map((line) => `    ${context.clean(line)}`),
    '',
  ].join('\n');
}

function phraseVerdict({ verdict, heads, service, differences }: ServiceBaseline): string {
  const at = heads.length === 0 ? 'base' : formatList(heads);
  const phrases = {
    match: `is just what ${at} ${heads.length > 1 ? 'leave' : 'leaves'}`,
    differs: `is what no revision leaves; the nearest is ${at}, with ${formatCount(differences.length, 'difference')}`,
    ledger: `has a ledger, which says ${at}: nothing to baseline (orch current --service ${shellWord(service)})`,
    empty: `is empty: nothing to baseline (orch migrate --service ${shellWord(service)})`,
    failed: 'could not be compared',
  } as const;
  return phrases[verdict];
}

function ledgerLines({ ledgers }: ServiceBaseline): readonly string[] {
  return ledgers.map(({ tool, table, version }) =>
    version === undefined ? `${table} is there, of ${tool}` : `${table} says ${version} (${tool})`,
  );
}

function matchLines({ verdict, stamps, alike, heads, seeds, service }: ServiceBaseline): readonly string[] {
  if (verdict !== 'match') return [];
  const at = heads.length === 0 ? 'base' : formatList(heads);
  const others = alike.map((names) => (names.length === 0 ? 'base' : names.join(' with ')));
  const lower = others[0] ?? 'base';
  return [
    `to be recorded as applied, without running: ${stamps.length === 0 ? 'nothing' : formatList(stamps)}`,
    ...(others.length === 0
      ? []
      : [
          `the catalog can't tell ${at} from ${formatList(others)}: between them only rows, or nothing, changed`,
          `  if ${at} was not run here: orch stamp --service ${shellWord(service)} ${shellWord(lower)} --reason '…'`,
        ]),
    ...(seeds.length === 0 ? [] : [`orch migrate will then apply the seeds ${formatList(seeds)}`]),
  ];
}

function foreignLines({ foreign }: ServiceBaseline): readonly string[] {
  const [first] = foreign;
  if (first === undefined) return [];
  const owners = [...new Set(foreign.map(({ owner }) => owner))];
  return [
    `${formatCount(foreign.length, 'object')}, such as ${first.name}, ${foreign.length === 1 ? 'belongs' : 'belong'} to ${formatList(owners)}: revisions, which run as the owner, can't change ${foreign.length === 1 ? 'it' : 'them'}`,
  ];
}
