import { docker } from '../../support/docker.ts';
import type { Ended } from '../../support/orch.ts';
import { arm } from '../arm.ts';
import { containerName, dockerServer, untilServes } from '../docker-server.ts';
import type { Row } from '../row.ts';
import type { Stage } from '../stage.ts';
import { services } from '../workload.ts';

const lost = [
  /connection to \S+ was lost|lock on \S+ was ended from outside|server main: |refused /,
  /orch (?:migrate|wait)/,
];
const unknown = [/applied whole or not at all/, /orch status/];
/**
 * Unknown, where the server is away for longer than orch asks after a COMMIT without an answer; 6 where that is one of
 * two services, and the other one's revision is known to be rolled back.
 */
const ends = { 0: [], 6: [...lost, ...unknown], 8: lost, 9: unknown } as const;

/** Does something to the container at any message of the run, and waits until it serves again. */
async function during(stage: Stage, fault: (name: string) => Promise<unknown>): Promise<readonly Ended[]> {
  const name = await containerName();
  let done: Promise<unknown> = Promise.resolve();
  arm(stage, { nth: stage.anyMessage(), verdict: 'pass', also: () => (done = fault(name)) });
  const ended = await stage.start().ended;
  await done;
  await untilServes(stage.project.postgres);
  return [ended];
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const inContainer = { group: 'server', need: 'docker', server: dockerServer, mayMiss: true, ends } as const;

export const serverRows: readonly Row[] = [
  {
    ...inContainer,
    name: 'docker restart of PostgreSQL',
    weight: 8,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) => during(stage, (name) => docker(['restart', '--time', '5', name])),
  },
  {
    ...inContainer,
    name: 'docker kill of PostgreSQL',
    weight: 10,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) =>
      during(stage, async (name) => {
        await docker(['kill', name]);
        await pause(stage.draw.below(800));
        await docker(['start', name]);
      }),
  },
  {
    ...inContainer,
    name: 'docker network disconnect of PostgreSQL, for a while',
    weight: 5,
    quick: 0,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: (stage) =>
      during(stage, async (name) => {
        await docker(['network', 'disconnect', '--force', 'bridge', name]);
        await pause(stage.draw.below(1_500));
        await docker(['network', 'connect', 'bridge', name]);
      }),
  },
  {
    ...inContainer,
    name: 'docker network disconnect of PostgreSQL, until orch has ended',
    weight: 2,
    quick: 0,
    scene: (draw) => ({ services: services(draw), applied: draw.below(3) }),
    inject: async (stage) => {
      const name = await containerName();
      let cut: Promise<unknown> = Promise.resolve();
      const also = (): void => {
        cut = docker(['network', 'disconnect', '--force', 'bridge', name]);
      };
      arm(stage, { nth: stage.anyMessage(), verdict: 'pass', also });
      const ended = await stage.start().ended;
      await cut;
      if (stage.hit) await docker(['network', 'connect', 'bridge', name]);
      await untilServes(stage.project.postgres);
      return [ended];
    },
  },
  {
    name: 'a pooler that shares sessions between transactions',
    group: 'server',
    weight: 2,
    quick: 1,
    scene: (draw) => ({ services: services(draw), applied: 1 }),
    inject: async (stage) => {
      // What a pooler does on the wire: the process id that the client is told is not the backend's.
      stage.hit = true;
      stage.proxy.key = (pid) => pid + 1;
      return [await stage.start().ended];
    },
    ends: { 2: [/pooler/, /next:/] },
  },
];
