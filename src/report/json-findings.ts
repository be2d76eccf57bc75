import type { ServiceCheck } from '../core/answers/check.ts';
import type { Finding } from '../core/findings.ts';
import { phraseFinding } from './finding-phrases.ts';
import { writtenFailure } from './json.ts';
import type { ReportSettings } from './settings.ts';
import type { Told } from './told.ts';

/** The fields of the answer of `check`. */
export function writtenCheck(rows: readonly ServiceCheck[], told: Told, settings: ReportSettings): object {
  const services = rows.map(({ findings, failure, ...row }) => ({
    ...row,
    findings: findings.map((finding) => writtenFinding(finding, row.service, told, settings)),
    failure: failure === undefined ? undefined : writtenFailure(failure, told, settings),
  }));
  const count = rows.reduce((sum, row) => sum + row.findings.length, 0);
  return { services, findings: count };
}

/** Its kind, its words, and its facts below their own names. */
function writtenFinding(finding: Finding, service: string, told: Told, settings: ReportSettings): object {
  const { kind, ...facts } = finding;
  const { happened, next } = phraseFinding(finding, service, told.context);
  const written = finding.kind === 'refused' ? { failure: writtenFailure(finding.failure, told, settings) } : facts;
  return { kind, message: happened.join('\n'), next, ...written };
}
