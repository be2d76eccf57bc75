import type { Database } from '../../kit/database.ts';
import { findSqlState } from '../../kit/database.ts';

export type User = {
  readonly id: string;
  readonly email: string;
  readonly roles: readonly string[];
  readonly created_at: Date;
};

/** The new user; undefined where the email is taken. */
export async function createUser(database: Database, email: string, passwordHash: string): Promise<User | undefined> {
  try {
    const rows = await database.query<User>(
      `INSERT INTO users (email, password_hash) VALUES ($1, $2)
       RETURNING id, email, roles, created_at`,
      [email, passwordHash],
    );
    return rows[0];
  } catch (error) {
    // unique_violation of uq_users_email: asked of the index, as looking first would race with another registration.
    if (findSqlState(error) === '23505') return undefined;
    throw error;
  }
}

type StoredUser = { readonly id: string; readonly password_hash: string; readonly is_active: boolean };

export async function findUserByEmail(database: Database, email: string): Promise<StoredUser | undefined> {
  const rows = await database.query<StoredUser>('SELECT id, password_hash, is_active FROM users WHERE email = $1', [
    email,
  ]);
  return rows[0];
}

type Role = { readonly name: string; readonly description: string; readonly users: number };

/** Every role, with how many active users hold it. */
export async function listRoles(database: Database): Promise<readonly Role[]> {
  return database.query<Role>(
    `SELECT roles.name, roles.description, count(users.id)::int AS users
     FROM roles LEFT JOIN users ON roles.name = ANY (users.roles) AND users.is_active
     GROUP BY roles.name ORDER BY roles.name`,
  );
}
