import type { Blocker, LockHolder } from '../core/observed.ts';

/** A session in words: `pid 4711 (orch lock, role auth_owner, from 10.0.0.3, since 2026-11-20T10:00:00Z)`. */
export function phraseHolder(holder: LockHolder): string {
  const facts = [
    holder.application,
    holder.role === '' ? '' : `role ${holder.role}`,
    holder.client === '' || holder.client === 'unknown' ? '' : `from ${holder.client}`,
    holder.since === '' ? '' : `since ${holder.since}`,
  ].filter((fact) => fact !== '');
  return facts.length === 0 ? `pid ${holder.pid}` : `pid ${holder.pid} (${facts.join(', ')})`;
}

/** A session in the way, and what it runs or ran last, on a line each. */
export function blockerLines(blocker: Blocker): string[] {
  if (blocker.pid === 0) return ['  a prepared transaction, which has no session'];
  const state = blocker.state === undefined ? '' : `, ${blocker.state}`;
  const query = blocker.query === undefined ? [] : [`    | ${blocker.query}`];
  return [`  ${phraseHolder(blocker)}${state}`, ...query];
}

/** A session in the way, on one line. */
export function phraseBlocker(blocker: Blocker): string {
  return blockerLines(blocker)
    .map((line) => line.trim().replace(/^\| /, ''))
    .join(': ');
}
