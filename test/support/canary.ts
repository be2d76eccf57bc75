import type { Ended } from './orch.ts';
import type { ProjectFolder } from './project-folder.ts';

/** Revision files that each leave one row in table `canary`: how often each took effect can be counted. */
export function canaries(...names: readonly string[]): Readonly<Record<string, string>> {
  return Object.fromEntries(
    names.map((name, index) => [`${name}.up.sql`, canary(name, index === 0 ? 'CREATE TABLE canary (name text);' : '')]),
  );
}

/** The text of one such revision; `also` is run before its row is written. */
export function canary(name: string, also = ''): string {
  return `${also}\nINSERT INTO public.canary VALUES ('${name}');\n`;
}

/** How often each revision of the service took effect, by name. */
export async function countCanaries(project: ProjectFolder, service: string): Promise<Record<string, number>> {
  const text = 'SELECT name, count(*)::int AS times FROM public.canary GROUP BY name ORDER BY name';
  const rows = await project.sql<{ name: string; times: number }>(service, text);
  return Object.fromEntries(rows.map(({ name, times }) => [name, times]));
}

/** `name state` of each ledger row, in the order of the names. */
export async function readLedger(project: ProjectFolder, service: string): Promise<readonly string[]> {
  const text = "SELECT name || ' ' || state AS row FROM orch.ledger ORDER BY name";
  return (await project.sql<{ row: string }>(service, text)).map(({ row }) => row);
}

/** `action outcome revision` of each entry of the log, oldest first. */
export async function readLog(project: ProjectFolder, service: string): Promise<readonly string[]> {
  const text = "SELECT concat_ws(' ', action, outcome, revision) AS entry FROM orch.log ORDER BY sequence";
  return (await project.sql<{ entry: string }>(service, text)).map(({ entry }) => entry);
}

/** Advisory locks that are held in the service's database, and sessions of orch in it. */
export async function countLeftovers(
  project: ProjectFolder,
  service: string,
): Promise<{ locks: number; sessions: number }> {
  const text = `SELECT
    (SELECT count(*)::int FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database
      WHERE l.locktype = 'advisory' AND d.datname = '${project.database(service)}') AS locks,
    (SELECT count(*)::int FROM pg_stat_activity
      WHERE datname = '${project.database(service)}' AND application_name LIKE 'orch %') AS sessions`;
  const [row] = await project.sql<{ locks: number; sessions: number }>(undefined, text);
  return row ?? { locks: -1, sessions: -1 };
}

export interface RunFinished {
  readonly exitCode: number;
  readonly unchanged: boolean;
  readonly interrupted?: string;
  readonly services: readonly {
    readonly service: string;
    readonly status: string;
    readonly applied: readonly string[];
    readonly heads?: readonly string[];
  }[];
  readonly failures: readonly { readonly code: string }[];
}

/** The last line of `--output json`. */
export function finishedRun(ended: Ended): RunFinished {
  const line = ended.stdout.split('\n').find((text) => text.includes('"type":"run-finished"'));
  if (line === undefined) throw new Error(`no run-finished (exit ${ended.code}):\n${ended.output}`);
  return JSON.parse(line) as RunFinished;
}
