import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { HTTPException } from 'hono/http-exception';
import type { z } from 'zod';
import type { Env } from './caller.ts';
import type { Database } from './database.ts';
import { findSqlState, isUnreachable } from './database.ts';
import { checkHealth } from './health.ts';

export type App = Hono<Env>;
export type Log = (line: string) => void;

/** What makes one service different from another. */
export interface ServiceDescription {
  readonly name: string;
  /** The revision that the code was written for. */
  readonly needs: string;
  /** Largest request body, in bytes. */
  readonly maxBody: number;
}

/** An app that answers `/health` and turns every fault into JSON: 4xx for the caller's, 5xx for ours, never a stack. */
export function createApp(service: ServiceDescription, database: Database, log: Log): App {
  const app = new Hono<Env>();
  app.use(async (context, next) => {
    const start = performance.now();
    await next();
    // Health is asked every few seconds: its lines would bury the others.
    if (context.req.path !== '/health') {
      const took = Math.round(performance.now() - start);
      log(`${context.req.method} ${context.req.path} ${context.res.status} ${took} ms`);
    }
  });
  app.use(
    bodyLimit({
      maxSize: service.maxBody,
      onError: (context) => context.json({ error: `the body is larger than ${service.maxBody} bytes` }, 413),
    }),
  );
  let lastTrouble = '';
  app.get('/health', async (context) => {
    const health = await checkHealth(service.name, database, service.needs, (error) => {
      const trouble = `the database is unreachable: ${error instanceof Error ? error.message : String(error)}`;
      // Once, not at every question.
      if (trouble !== lastTrouble) log(trouble);
      lastTrouble = trouble;
    });
    if (health.status === 'ready') lastTrouble = '';
    return context.json(health, health.status === 'ready' ? 200 : 503);
  });
  app.notFound((context) => context.json({ error: `nothing at ${context.req.method} ${context.req.path}` }, 404));
  app.onError((error, context) => answerError(error, context, log));
  return app;
}

function answerError(error: Error, context: Context, log: Log): Response {
  if (error instanceof InvalidBody) return context.json({ error: error.message, fields: error.fields }, 400);
  if (error instanceof HTTPException) {
    if (error.status >= 500) log(`${error.message}: ${String(error.cause ?? '')}`);
    return context.json({ error: error.message }, error.status);
  }
  const state = findSqlState(error);
  // Class 22: a value that PostgreSQL cannot store, such as a NUL in a text or a number out of range.
  if (state?.startsWith('22')) return context.json({ error: 'a value cannot be stored' }, 400);
  if (isUnreachable(error)) return unavailable('the database is unreachable', error, context, log);
  // undefined_table, undefined_column
  if (state === '42P01' || state === '42703') return unavailable('the schema is behind', error, context, log);
  log(`error: ${error.stack ?? error.message}`);
  return context.json({ error: 'internal error' }, 500);
}

function unavailable(what: string, error: Error, context: Context, log: Log): Response {
  log(`${what}: ${error.message}`);
  return context.json({ error: what }, 503);
}

class InvalidBody extends Error {
  readonly fields: readonly { readonly field: string; readonly message: string }[];

  constructor(error: z.ZodError) {
    super('the body is invalid');
    this.fields = error.issues.map((issue) => ({ field: issue.path.join('.'), message: issue.message }));
  }
}

/**
 * The request's JSON body, checked.
 * @throws what is answered as 400, with every invalid field named
 */
export async function requireBody<T>(context: Context, schema: z.ZodType<T>): Promise<T> {
  const text = await context.req.text();
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new HTTPException(400, { message: 'the body is not JSON', cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new InvalidBody(parsed.error);
  return parsed.data;
}
