import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Row } from '../row.ts';
import { GATE } from '../stage.ts';
import { services } from '../workload.ts';

/** Servers that are there, or not, and let nobody in. */
export const refusalRows: readonly Row[] = [
  {
    name: 'a server that refuses the login',
    group: 'connection',
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
    group: 'connection',
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
    group: 'connection',
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
    name: 'a database that is read-only',
    group: 'connection',
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
