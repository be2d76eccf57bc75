import type { ServiceCheck } from '../core/answers/check.ts';
import type { Finding } from '../core/findings.ts';
import { type FindingPhrase, phraseFinding } from './finding-phrases.ts';
import type { PhraseContext } from './phrase-context.ts';
import type { Style } from './style.ts';
import { formatCount } from './units.ts';

/** `orch check`: a line for each service that is as it should be, the findings of the others, and what it comes to. */
export function formatCheck(rows: readonly ServiceCheck[], context: PhraseContext, style: Style): string {
  return [...rows.map((row) => formatRow(row, context, style)), `${total(rows)}\n`].join('');
}

function formatRow(row: ServiceCheck, context: PhraseContext, style: Style): string {
  const name = style.bold(context.clean(`${row.service} (${row.database})`));
  const heads = row.heads.length === 0 ? 'there are no revisions' : `at ${row.heads.join(', ')}`;
  const unchecked = row.failure === undefined ? [] : ['the database could not be checked'];
  const found = row.findings.length === 0 ? [] : [formatCount(row.findings.length, 'finding')];
  const said = [...unchecked, ...found];
  const isFine = said.length === 0;
  const mark = isFine ? style.green('✔') : style.red('✖');
  const head = `${mark} ${name}: ${context.clean(isFine ? heads : said.join(', '))}\n`;
  const shown = row.findings.slice(0, mostShown).map((finding) => formatFinding(finding, row.service, context, style));
  const left = row.findings.length - mostShown;
  return [head, ...shown, ...(left > 0 ? [`  … and ${formatCount(left, 'finding')} more\n`] : [])].join('');
}

/** A file that is no revision at all may have thousands of faults; JSON has them all. */
const mostShown = 50;

function formatFinding(finding: Finding, service: string, context: PhraseContext, style: Style): string {
  const { happened, next }: FindingPhrase = phraseFinding(finding, service, context);
  const [first = '', ...more] = happened.map((line) => context.clean(line));
  return [
    `  - ${first}`,
    ...more.map((line) => `    ${line}`),
    ...next.map((line, at) => `    ${style.dim(at === 0 ? 'next:' : '     ')} ${style.cyan(context.clean(line))}`),
    '',
  ].join('\n');
}

function total(rows: readonly ServiceCheck[]): string {
  const findings = rows.reduce((sum, row) => sum + row.findings.length, 0);
  const unchecked = rows.filter(({ failure }) => failure !== undefined).length;
  const services = formatCount(rows.length, 'service');
  if (findings + unchecked === 0) return `No findings: ${services} checked.`;
  const left = unchecked === 0 ? '' : `; ${formatCount(unchecked, 'database')} could not be checked`;
  return `${formatCount(findings, 'finding')} in ${services}${left}.`;
}
