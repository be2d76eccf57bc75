import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { type FindCaller, requireCaller, requireRole } from '../../kit/caller.ts';
import type { Database } from '../../kit/database.ts';
import { type App, requireBody } from '../../kit/http.ts';
import { addAddress, removeAddress } from './addresses.ts';
import { savePreferences } from './preferences.ts';
import { findProfile, listProfiles, saveProfile } from './profiles.ts';

const name = z.string().trim().min(1).max(100);
const line = z.string().trim().min(1).max(200);

const profileBody = z.strictObject({ first_name: name, last_name: name });
const addressBody = z.strictObject({
  label: z.string().trim().min(1).max(50),
  street: line,
  postal_code: z.string().trim().min(1).max(20),
  city: line,
  country: z.string().regex(/^[A-Z]{2}$/, 'two capital letters (ISO 3166-1)'),
});
const preferencesBody = z.strictObject({
  language: z.string().regex(/^[a-z]{2}(-[A-Z]{2})?$/, 'a language such as "en" or "pt-BR"'),
  theme: z.enum(['light', 'dark', 'system']),
  newsletter: z.boolean(),
});

/** Everybody's own profile with its addresses and preferences; for admins a list of all. */
export function addRoutes(app: App, database: Database, findCaller: FindCaller): void {
  const authenticated = requireCaller(findCaller);

  app.get('/profile', authenticated, async (context) => {
    const profile = await findProfile(database, context.get('caller').id);
    if (profile === undefined) throw new HTTPException(404, { message: 'no profile yet: PUT /profile makes one' });
    return context.json(profile);
  });

  app.put('/profile', authenticated, async (context) => {
    const body = await requireBody(context, profileBody);
    return context.json(await saveProfile(database, context.get('caller'), body));
  });

  app.put('/profile/preferences', authenticated, async (context) => {
    const body = await requireBody(context, preferencesBody);
    const saved = await savePreferences(database, context.get('caller').id, body);
    if (saved === undefined) throw new HTTPException(409, { message: 'no profile yet: PUT /profile makes one' });
    return context.json(saved);
  });

  app.post('/profile/addresses', authenticated, async (context) => {
    const body = await requireBody(context, addressBody);
    const added = await addAddress(database, context.get('caller').id, body);
    if (added === undefined) throw new HTTPException(409, { message: 'no profile yet: PUT /profile makes one' });
    return context.json(added, 201);
  });

  app.delete('/profile/addresses/:id{[0-9]{1,18}}', authenticated, async (context) => {
    const removed = await removeAddress(database, context.get('caller').id, context.req.param('id'));
    if (!removed) throw new HTTPException(404, { message: 'no such address' });
    return context.body(null, 204);
  });

  app.get('/profiles', authenticated, requireRole('admin'), async (context) =>
    context.json({ profiles: await listProfiles(database) }),
  );
}
