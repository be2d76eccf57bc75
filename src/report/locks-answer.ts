import type { Failure } from '../core/failure.ts';
import type { DatabaseSession } from '../core/observed.ts';
import { alignColumns, truncateColumns } from './columns.ts';
import { phraseFailureShort } from './event-phrases.ts';
import { fieldLines } from './history-answers.ts';
import type { PhraseContext } from './phrase-context.ts';
import type { Style } from './style.ts';
import { formatDuration } from './units.ts';

/** A database for `locks`. */
export interface LocksRow {
  /** Undefined: a maintenance database. */
  readonly service: string | undefined;
  readonly server: string;
  readonly database: string;
  readonly shared: boolean;
  readonly sessions: readonly DatabaseSession[];
  readonly failure: Failure | undefined;
}

export interface EndedRow {
  readonly action: 'cancel' | 'terminate';
  readonly service: string | undefined;
  readonly database: string;
  readonly session: DatabaseSession;
  readonly result: 'ended' | 'nothing-ran' | 'asked';
}

/** In columns of the terminal. */
const QUERY_WIDTH = 60;

const columns = [
  { title: 'SERVICE' },
  { title: 'DATABASE' },
  { title: 'PID', align: 'right' },
  { title: 'APPLICATION' },
  { title: 'ROLE' },
  { title: 'CLIENT' },
  { title: 'STATE' },
  { title: 'FOR', align: 'right' },
  { title: 'LOCK' },
  { title: 'WAITS FOR' },
  { title: 'QUERY' },
] as const;

/** `orch locks`: a line a session. */
export function formatLocks(rows: readonly LocksRow[], context: PhraseContext, style: Style): string {
  const cells = rows.flatMap(({ service, server, database, shared, sessions, failure }) => {
    const name = service ?? `server ${server}`;
    if (failure !== undefined) return [[name, database, '?', phraseFailureShort(failure, context)]];
    if (shared) return [[name, database, '', 'PGlite: one session for all']];
    return sessions.map((one) => [name, database, ...sessionCells(one)]);
  });
  if (cells.length === 0) return 'Nobody holds a lock of orch or waits for one, and nothing runs for long.\n';
  const clean = cells.map((row) => row.map((cell) => context.clean(cell)));
  const [head = '', ...lines] = alignColumns(columns, clean);
  return [style.dim(head), ...lines, ''].join('\n');
}

function sessionCells(one: DatabaseSession): string[] {
  return [
    String(one.pid),
    one.application,
    one.role,
    one.client === 'unknown' ? '' : one.client,
    one.state ?? '?',
    one.duration === undefined ? '' : formatDuration(one.duration),
    lockText(one),
    waitText(one),
    truncateColumns(one.query ?? '', QUERY_WIDTH),
  ];
}

function lockText({ holds, awaits }: DatabaseSession): string {
  return [...holds.map((lock) => `holds ${lock}`), ...(awaits === undefined ? [] : [`waits for ${awaits}`])].join(', ');
}

function waitText({ waitsFor, blockedBy }: DatabaseSession): string {
  const by = blockedBy.length === 0 ? '' : `pid ${blockedBy.join(', ')}`;
  return [waitsFor ?? '', by].filter((part) => part !== '').join(' of ');
}

const explained = {
  cancel: 'Its statement will be cancelled, and a transaction around it fails; the session stays, and so do its locks.',
  terminate: 'The session will be ended: the server rolls back what it has open and frees its locks.',
} as const;

/** Whom it concerns and what is done, for the person who is asked. */
export function formatEnding(
  action: EndedRow['action'],
  session: DatabaseSession,
  database: string,
  context: PhraseContext,
  style: Style,
): string {
  const fields = fieldLines(
    [
      ['application', session.application],
      ['role', session.role],
      ['client', session.client],
      ['state', session.state ?? 'not ours to see'],
      ['for', session.duration === undefined ? undefined : formatDuration(session.duration)],
      ['lock', lockText(session)],
      ['waits for', waitText(session)],
      ['query', session.query],
    ],
    context,
  );
  return [style.bold(context.clean(`pid ${session.pid} in ${database}`)), ...fields, explained[action], ''].join('\n');
}

/** What became of it. */
export function formatEnded({ action, session, database, result }: EndedRow, context: PhraseContext): string {
  const who = `pid ${session.pid} in ${database}`;
  const done = {
    ended: action === 'cancel' ? `Cancelled: the statement of ${who}.` : `Ended: ${who}.`,
    'nothing-ran': `Nothing to cancel: ${who} runs no statement. orch locks --terminate ${session.pid} would end the session.`,
    asked: `The server was asked, and ${who} still goes on: orch locks shows it.`,
  }[result];
  return `${context.clean(done)}\n`;
}
