import type { Database } from '../../kit/database.ts';

type Preferences = { readonly language: string; readonly theme: string; readonly newsletter: boolean };

/** What was saved; undefined where the user has no profile. */
export async function savePreferences(
  database: Database,
  userId: string,
  preferences: Preferences,
): Promise<Preferences | undefined> {
  const rows = await database.query<Preferences>(
    `INSERT INTO preferences (user_id, language, theme, newsletter)
     SELECT user_id, $2, $3, $4 FROM profiles WHERE user_id = $1
     ON CONFLICT ON CONSTRAINT pk_preferences DO UPDATE SET
       language = excluded.language, theme = excluded.theme, newsletter = excluded.newsletter
     RETURNING language, theme, newsletter`,
    [userId, preferences.language, preferences.theme, preferences.newsletter],
  );
  return rows[0];
}
