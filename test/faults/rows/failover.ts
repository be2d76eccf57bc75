import { onTestFinished } from 'vitest';
import { until } from '../../support/local-service.ts';
import type { Verdict } from '../../support/tcp-proxy.ts';
import { arm } from '../arm.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../stage.ts';
import { history } from '../workload.ts';

/** A copy of the service's database as it is now: what a standby knows that gets no more of it. */
async function copyDatabase({ project }: Stage): Promise<{ readonly current: string; readonly behind: string }> {
  const current = project.database('api-a');
  const behind = `${current}_behind`;
  await project.sql(undefined, `CREATE DATABASE ${behind} TEMPLATE ${current} OWNER ${project.owner('api-a')}`);
  onTestFinished(async () => {
    for (const name of [behind, `${current}_lost`])
      await project.sql(undefined, `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`);
  });
  return { current, behind };
}

/** Takes the database away as a primary goes, and puts the copy in its place. */
async function failOver(
  { project }: Stage,
  names: { readonly current: string; readonly behind: string },
): Promise<void> {
  const { current, behind } = names;
  await project.sql(undefined, `ALTER DATABASE ${current} ALLOW_CONNECTIONS false`);
  await project.sql(undefined, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${current}'`);
  await until('the old primary has no session', async () => {
    const left = await project.sql(undefined, `SELECT FROM pg_stat_activity WHERE datname = '${current}'`);
    return left.length === 0;
  });
  await project.sql(undefined, `ALTER DATABASE ${current} RENAME TO ${current}_lost`);
  await project.sql(undefined, `ALTER DATABASE ${behind} RENAME TO ${current}`);
}

export const failoverRows: readonly Row[] = [
  {
    name: 'a failover to a server that is behind',
    group: 'server',
    weight: 3,
    quick: 1,
    scene: (draw) => ({ services: { 'api-a': { revisions: history(draw) } }, applied: 1 + draw.below(2) }),
    inject: async (stage) => {
      const names = await copyDatabase(stage);
      let done: Promise<void> = Promise.resolve();
      arm(stage, {
        nth: stage.anyMessage(),
        verdict: stage.draw.pick<Verdict>(['cut', 'cut-when-sent', 'cut-at-answer']),
        also: () => {
          stage.proxy.cut(/^orch /);
          done = failOver(stage, names);
        },
      });
      const ended = await stage.start().ended;
      await done;
      return [ended];
    },
    mayMiss: true,
    // What only the old primary had is lost with it, whatever orch was told there.
    forgets: true,
    ends: {
      0: [],
      8: [/connection to \S+ was lost|lock on \S+ was ended|server main: |refused /, /orch (?:migrate|wait)/],
      9: [/applied whole or not at all/, /orch status/],
    },
  },
];
