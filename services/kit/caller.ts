import type { MiddlewareHandler } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { z } from 'zod';

const callerSchema = z.object({ id: z.uuid(), email: z.string(), roles: z.array(z.string()) });

/** Who sends the request, as api-auth knows them. */
export type Caller = z.infer<typeof callerSchema>;

/** Values that a request carries with it. */
export interface Env {
  Variables: { caller: Caller };
}

/** Says whose token it is; undefined: nobody's. */
export type FindCaller = (token: string) => Promise<Caller | undefined>;

/**
 * Asks api-auth, which alone knows the tokens: this is why the others need it.
 * @throws HTTPException 503 where api-auth does not answer
 */
export function askAuth(authUrl: string): FindCaller {
  return async (token) => {
    let response: Response;
    try {
      response = await fetch(`${authUrl}/sessions/current`, {
        headers: { authorization: `Bearer ${token}` },
        signal: AbortSignal.timeout(3_000),
      });
      if (response.status === 401) return undefined;
      if (response.ok) return callerSchema.parse(await response.json());
    } catch (cause) {
      throw new HTTPException(503, { message: 'api-auth does not answer', cause });
    }
    throw new HTTPException(503, { message: `api-auth answered ${response.status}` });
  };
}

/** Lets through who has a valid token; sets the request's `caller`. */
export function requireCaller(findCaller: FindCaller): MiddlewareHandler<Env> {
  return async (context, next) => {
    const token = /^Bearer ([\w-]{1,128})$/i.exec(context.req.header('authorization') ?? '')?.[1];
    const caller = token === undefined ? undefined : await findCaller(token);
    if (caller === undefined)
      throw new HTTPException(401, { message: 'send "authorization: Bearer <token>" of POST /sessions' });
    context.set('caller', caller);
    await next();
  };
}

/** Lets through callers with that role; stands after `requireCaller`. */
export function requireRole(role: string): MiddlewareHandler<Env> {
  return async (context, next) => {
    if (!context.get('caller').roles.includes(role))
      throw new HTTPException(403, { message: `the role ${role} is needed` });
    await next();
  };
}
