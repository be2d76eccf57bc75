import type { Project, Service } from '../core/project.ts';
import { formatList } from './units.ts';

/** What phrases need besides the facts: nothing in it changes what happened, only how it is told. */
export interface PhraseContext {
  /** The working folder, absolute: paths below it are shown relative to it. */
  readonly cwd: string;
  /** Print DETAIL of server messages, which holds row values (V23). */
  readonly showData: boolean;
  /** Undefined: the config could not be read. */
  readonly project: Project | undefined;
  /** Masks secrets and makes control characters visible; the result is one line. */
  readonly clean: (text: string) => string;
  /** Masks secrets, also those that reach over line ends; all else stays. */
  readonly mask: (text: string) => string;
  /** The command that is run, such as `up`: what to type again; undefined: not known. */
  readonly command: string | undefined;
  /** Names of the applied heads of a service as they are now; undefined: not known. */
  readonly headsOf: (service: string) => readonly string[] | undefined;
}

/** The path as a person would type it from the working folder, where that is shorter. */
export function shownPath(path: string, cwd: string): string {
  if (!isAbsolute(path)) return path;
  const from = segments(cwd);
  const to = segments(path);
  let common = 0;
  while (common < from.length && common < to.length - 1 && from[common] === to[common]) common += 1;
  if (common === 0) return path;
  const relative = [...Array<string>(from.length - common).fill('..'), ...to.slice(common)].join('/');
  return relative.length < path.length ? relative : path;
}

function isAbsolute(path: string): boolean {
  return /^([/\\]|[A-Za-z]:[/\\])/.test(path);
}

function segments(path: string): string[] {
  return path.split(/[/\\]/).filter((segment) => segment !== '');
}

/** `file:line:column`, as editors and terminals open it. */
export function shownPlace(
  place: { readonly file: string; readonly line: number | undefined; readonly column: number | undefined },
  cwd: string,
): string {
  return [shownPath(place.file, cwd), place.line, place.column].filter((part) => part !== undefined).join(':');
}

/** The service of the config; undefined where the name is not in it. */
export function findService(context: PhraseContext, name: string): Service | undefined {
  return context.project?.services.find((service) => service.name === name);
}

/** `docker compose -f compose/compose.yaml <what> <the service's container>`, to be typed as it stands. */
export function composeCommand(context: PhraseContext, what: string, service?: string): string {
  const files = (context.project?.composeFiles ?? []).map((file) => `-f ${shellWord(shownPath(file, context.cwd))}`);
  const container = service === undefined ? [] : [shellWord(findService(context, service)?.container ?? service)];
  return ['docker compose', ...files, what, ...container].join(' ');
}

/** What the commands that go somewhere else than to the head have to be told. */
const targetsOf: Readonly<Record<string, string>> = {
  downgrade: '<target>',
  stamp: '<target>',
  accept: "<revision> --reason '…'",
};

/** The command that tries this service again: the one that was run, where it takes a service. */
export function againCommand(context: PhraseContext, service: string): string {
  const name = shellWord(service);
  if (context.command === 'up') return `orch up ${name}`;
  if (context.command === 'baseline') return `orch baseline --service ${name}`;
  if (context.command === 'revision') return `orch revision --service ${name} --autogenerate -m '…'`;
  const target = targetsOf[context.command ?? ''];
  return target === undefined
    ? `orch migrate --service ${name}`
    : `orch ${context.command} --service ${name} ${target}`;
}

/** Where a service's database stands: `authdb is at 001_users.` */
export function phraseStanding(
  place: { readonly service: string; readonly database: string },
  context: PhraseContext,
): string {
  // What failed ran in a throwaway database.
  if (context.command === 'baseline') return `${place.database} was a throwaway database, and is dropped again.`;
  const heads = context.headsOf(place.service);
  if (heads === undefined) return `what was committed before stays in ${place.database}.`;
  if (heads.length === 0) return `${place.database} has no revision applied.`;
  return `${place.database} is at ${formatList(heads)}.`;
}

/** A word of a shell command: quoted where the shell would change it. */
export function shellWord(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** A PostgreSQL identifier as SQL takes it: in quotes, except plain lower-case names. */
export function sqlName(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** A string as SQL takes it. */
export function sqlText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
