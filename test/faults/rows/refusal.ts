import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startPgBouncer } from '../../support/pgbouncer.ts';
import type { Row } from '../row.ts';
import { GATE } from '../stage.ts';
import { services } from '../workload.ts';

/** Servers that are there, or not, and let nobody in. */
export const refusalRows: readonly Row[] = [
  {
    name: 'a server that refuses the login',
    group: 'refusal',
    weight: 2,
    quick: 1,
    // Only a cold server is asked with the admin's password.
    scene: (draw) => ({ services: services(draw), applied: 0 }),
    inject: async (stage) => {
      stage.hit = true;
      const url = `postgresql://postgres:wrong@127.0.0.1:${stage.proxy.port}/postgres`;
      return [await stage.start(['migrate'], { ORCH_SERVER_URL: url }).ended];
    },
    ends: { 8: [/refuses the login of/, /orch wait/] },
  },
  {
    name: 'nothing listens',
    group: 'refusal',
    weight: 2,
    quick: 0,
    scene: (draw) => ({ services: services(draw), applied: draw.below(2) }),
    inject: async (stage) => {
      const config = join(stage.project.folder, 'orchestrator.config.yaml');
      const before = await readFile(config, 'utf8');
      await writeFile(config, before.replace(/:\d+\/postgres/, ':1/postgres'));
      stage.hit = true;
      const ended = await stage.startDirect().ended;
      await writeFile(config, before);
      return [ended];
    },
    ends: { 8: [/nothing answers at 127\.0\.0\.1:1/, /orch wait/] },
  },
  {
    name: 'too many connections',
    group: 'refusal',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: services(draw, { 3: GATE }), applied: 1 }),
    inject: async (stage) => {
      const limit = (count: number): Promise<unknown> =>
        stage.project.sql(undefined, `ALTER ROLE "${stage.project.owner('api-a')}" CONNECTION LIMIT ${count}`);
      await limit(stage.draw.below(2));
      stage.hit = true;
      const ended = await stage.startDirect().ended;
      await limit(-1);
      return [ended];
    },
    ends: { 8: [/too many connections/, /orch (?:wait|migrate)/] },
  },
  {
    name: 'too many connections, for a while',
    group: 'refusal',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: 1 }),
    inject: async (stage) => {
      const limit = (count: number): Promise<unknown> =>
        stage.project.sql(undefined, `ALTER ROLE "${stage.project.owner('api-a')}" CONNECTION LIMIT ${count}`);
      await limit(stage.draw.below(2));
      const run = stage.startDirect();
      await run.said(/too many connections/);
      stage.hit = true;
      await limit(-1);
      return [await run.ended];
    },
    ends: { 0: [] },
  },
  {
    name: 'a real PgBouncer before the server',
    group: 'refusal',
    weight: 3,
    quick: 1,
    need: 'pgbouncer',
    scene: (draw) => ({ services: services(draw), applied: 1 }),
    inject: async (stage) => {
      const { postgres, owner, app } = stage.project;
      const users = Object.fromEntries(
        stage.services.flatMap((service) => [
          [owner(service), 'owner-canary-7f3a'],
          [app(service), 'app-canary-91bc'],
        ]),
      );
      const mode = stage.draw.pick(['transaction', 'statement', 'session'] as const);
      // As it is installed, or told to pass over what it does not know: then only the backend can tell.
      const settings = stage.draw.pick(['', 'ignore_startup_parameters = options,extra_float_digits']);
      const bouncer = await startPgBouncer(postgres, { mode, users, settings });
      stage.hit = true;
      const url = `postgresql://${postgres.adminRole}:${encodeURIComponent(postgres.adminPassword)}@127.0.0.1:${bouncer.port}/postgres`;
      const ended = await stage.startDirect(['migrate'], { ORCH_SERVER_URL: url }).ended;
      await bouncer.stop();
      return [ended];
    },
    ends: { 2: [/is a connection pooler, not PostgreSQL itself/, /allowPooler/, /orch wait/] },
  },
  {
    name: 'a database that is read-only',
    group: 'refusal',
    weight: 2,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: 1 }),
    inject: async (stage) => {
      const role = stage.project.owner('api-a');
      await stage.project.sql(undefined, `ALTER ROLE "${role}" SET default_transaction_read_only = on`);
      stage.hit = true;
      const ended = await stage.startDirect().ended;
      await stage.project.sql(undefined, `ALTER ROLE "${role}" RESET default_transaction_read_only`);
      return [ended];
    },
    ends: { 5: [/read-only/], 8: [/read-only/] },
  },
];
