import type { LockHolder } from '../core/observed.ts';

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
