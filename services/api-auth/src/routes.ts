import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';
import { requireCaller } from '../../kit/caller.ts';
import type { Database } from '../../kit/database.ts';
import { type App, requireBody } from '../../kit/http.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { endSession, findCaller, startSession } from './sessions.ts';
import { createUser, findUserByEmail, listRoles } from './users.ts';

const email = z.email().max(254).toLowerCase();
// An upper bound, because scrypt reads every byte that a stranger sends.
const registration = z.strictObject({ email, password: z.string().min(12).max(200) });
const login = z.strictObject({ email, password: z.string().min(1).max(200) });

/** Registers and logs in users, says whose a token is, and lists roles. */
export function addRoutes(app: App, database: Database): void {
  const authenticated = requireCaller((token) => findCaller(database, token));

  app.post('/users', async (context) => {
    const body = await requireBody(context, registration);
    const user = await createUser(database, body.email, await hashPassword(body.password));
    if (user === undefined) throw new HTTPException(409, { message: 'the email is taken' });
    return context.json(user, 201);
  });

  app.post('/sessions', async (context) => {
    const body = await requireBody(context, login);
    const user = await findUserByEmail(database, body.email);
    // Also verified where there is no such user: the time taken must not tell which emails are registered.
    const matches = await verifyPassword(body.password, user?.password_hash);
    if (user === undefined || !matches || !user.is_active) {
      throw new HTTPException(401, { message: 'wrong email or password' });
    }
    return context.json(await startSession(database, user.id), 201);
  });

  app.get('/sessions/current', authenticated, (context) => context.json(context.get('caller')));

  app.delete('/sessions/current', authenticated, async (context) => {
    await endSession(database, (context.req.header('authorization') ?? '').slice('Bearer '.length));
    return context.body(null, 204);
  });

  app.get('/roles', async (context) => context.json({ roles: await listRoles(database) }));
}
