import type { Failure } from '../core/failure.ts';
import type { LockHolder } from '../core/observed.ts';
import type { FailurePhrase } from './failure-phrase.ts';
import { phraseHolder } from './holder-phrase.ts';
import { againCommand, type PhraseContext, shellWord, sqlText } from './phrase-context.ts';
import { formatDuration } from './units.ts';

/** An orch that is alive says something in its lock's session every 5 s; for so long, in ms, only one that is not is silent. */
const SILENCE = 15_000;

/** Another session has the lock: who, whether its orch is alive, and what would end it. */
export function lockHeld({ details }: Failure<'lock-held'>, context: PhraseContext): FailurePhrase {
  const { database, holder, service } = details;
  const ofTransaction = details.of === 'transaction';
  const option = `--service ${shellWord(service)}`;
  const find = `SELECT pid, usename, application_name, client_addr, state FROM pg_stat_activity WHERE datname = ${sqlText(database)};`;
  return {
    happened: [
      ofTransaction
        ? `${service}: another transaction of orch in ${database} did not end within ${formatDuration(details.waited)}`
        : `${service}: the lock on ${database} was not free within ${formatDuration(details.waited)}`,
      holder === undefined
        ? '  its holder could not be seen'
        : `  it is ${ofTransaction ? 'open in' : 'held by'} ${phraseHolder(holder)}`,
      ...(holder === undefined ? [] : signOfLife(holder)),
    ],
    state: `nothing ${ofTransaction ? 'more ' : ''}was changed in ${database}.`,
    next: [
      `${againCommand(context, service)} --lock-wait 10m  # waits longer`,
      ...(holder === undefined
        ? [find]
        : holder.application === 'orch'
          ? [`kill ${holder.pid}  # ends that orch, only if its work must not go on`]
          : [
              `orch locks ${option}  # shows what it does, and who waits`,
              `orch locks ${option} --terminate ${holder.pid}  # ends that session, ${endedWhen(holder)}`,
            ]),
    ],
  };
}

function isOrch({ application }: LockHolder): boolean {
  return application.startsWith('orch ');
}

function isDead(holder: LockHolder): boolean {
  return isOrch(holder) && (holder.orphaned === true || (holder.silent ?? 0) >= SILENCE);
}

function signOfLife(holder: LockHolder): string[] {
  if (holder.orphaned === true)
    return ['  its orch is gone: the session with its lock has ended, this one still works'];
  if (!isOrch(holder) || holder.silent === undefined) return [];
  const silent = formatDuration(holder.silent);
  if (!isDead(holder)) return [`  that orch is alive: it last spoke ${silent} ago`];
  return [`  that orch has not spoken for ${silent}: it is stopped, or gone without the server noticing`];
}

function endedWhen(holder: LockHolder): string {
  if (isDead(holder)) return 'and the server rolls back what it had open';
  return isOrch(holder) ? 'only if its work must not go on' : 'only if it is stuck';
}
