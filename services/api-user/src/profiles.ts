import type { Caller } from '../../kit/caller.ts';
import type { Database } from '../../kit/database.ts';

type Profile = {
  readonly user_id: string;
  readonly email: string;
  readonly first_name: string;
  readonly last_name: string;
  readonly full_name: string;
  readonly updated_at: Date;
};

/** A profile with what belongs to it, in one statement. */
type WholeProfile = Profile & { readonly addresses: readonly unknown[]; readonly preferences: unknown };

export async function findProfile(database: Database, userId: string): Promise<WholeProfile | undefined> {
  const rows = await database.query<WholeProfile>(
    `SELECT profiles.user_id, profiles.email, profiles.first_name, profiles.last_name, profiles.full_name,
            profiles.updated_at,
            (SELECT coalesce(jsonb_agg(to_jsonb(addresses) - 'user_id' ORDER BY addresses.id), '[]')
             FROM addresses WHERE addresses.user_id = profiles.user_id) AS addresses,
            (SELECT to_jsonb(preferences) - 'user_id'
             FROM preferences WHERE preferences.user_id = profiles.user_id) AS preferences
     FROM profiles WHERE profiles.user_id = $1`,
    [userId],
  );
  return rows[0];
}

/** Makes or changes the caller's profile. */
export async function saveProfile(
  database: Database,
  caller: Caller,
  names: { readonly first_name: string; readonly last_name: string },
): Promise<Profile | undefined> {
  const rows = await database.query<Profile>(
    `INSERT INTO profiles (user_id, email, first_name, last_name, full_name)
     VALUES ($1, $2, $3, $4, concat_ws(' ', $3::text, $4::text))
     ON CONFLICT ON CONSTRAINT pk_profiles DO UPDATE SET
       email = excluded.email, first_name = excluded.first_name, last_name = excluded.last_name,
       full_name = excluded.full_name, updated_at = now()
     RETURNING user_id, email, first_name, last_name, full_name, updated_at`,
    [caller.id, caller.email, names.first_name, names.last_name],
  );
  return rows[0];
}

/** The first hundred by full name. */
export async function listProfiles(database: Database): Promise<readonly Profile[]> {
  return database.query<Profile>(
    `SELECT user_id, email, first_name, last_name, full_name, updated_at
     FROM profiles ORDER BY full_name, user_id LIMIT 100`,
  );
}
