import { createHash, randomBytes } from 'node:crypto';
import type { Caller } from '../../kit/caller.ts';
import type { Database } from '../../kit/database.ts';

type Session = { readonly token: string; readonly expires_at: Date };

/** Logs a user in for twelve hours, and forgets that user's expired sessions. */
export async function startSession(database: Database, userId: string): Promise<Session> {
  const token = randomBytes(32).toString('base64url');
  const rows = await database.query<{ expires_at: Date }>(
    `WITH expired AS (DELETE FROM sessions WHERE user_id = $2 AND expires_at < now())
     INSERT INTO sessions (token_hash, user_id, expires_at) VALUES ($1, $2, now() + interval '12 hours')
     RETURNING expires_at`,
    [hashToken(token), userId],
  );
  return { token, expires_at: rows[0]?.expires_at ?? new Date() };
}

/** Whose token it is; undefined where it is nobody's, expired, or its user was locked out. */
export async function findCaller(database: Database, token: string): Promise<Caller | undefined> {
  const rows = await database.query<Caller>(
    `SELECT users.id, users.email, users.roles
     FROM sessions JOIN users ON users.id = sessions.user_id
     WHERE sessions.token_hash = $1 AND sessions.expires_at > now() AND users.is_active`,
    [hashToken(token)],
  );
  return rows[0];
}

export async function endSession(database: Database, token: string): Promise<void> {
  await database.query('DELETE FROM sessions WHERE token_hash = $1', [hashToken(token)]);
}

/** Only the hash is stored: who reads the table still cannot log in. The token is random, so a plain hash is enough. */
function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
