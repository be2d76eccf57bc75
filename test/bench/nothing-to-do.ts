/**
 * `orch migrate` with nothing to do over the sample's three databases against `bare.mjs`, same Node, alternating runs:
 *   npm run bench:nothing-to-do [runs]
 * Needs the sample's PostgreSQL, migrated: `docker compose -f compose/compose.yaml up --detach` first.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const runs = Number(process.argv[2] ?? 30);
const owners = { authdb: 'auth_owner', apidb: 'user_owner', admindb: 'admin_owner' };
const port = process.env.ORCH_POSTGRES_PORT ?? '54329';
const urls = Object.entries(owners).map(([database, role]) => {
  const password = readFileSync(`compose/secrets/${role}_password`, 'utf8').trim();
  return `postgresql://${role}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`;
});
const programs = {
  orch: ['dist/main.js', 'migrate', '--runtime', 'compose', '--quiet'],
  bare: ['test/bench/bare.mjs', ...urls],
};

function time(args: readonly string[]): number {
  const began = performance.now();
  const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return performance.now() - began;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] as number;
}

const times = { orch: [] as number[], bare: [] as number[] };
for (const program of ['orch', 'bare'] as const) time(programs[program]);
for (let run = 0; run < runs; run += 1) {
  times.orch.push(time(programs.orch));
  times.bare.push(time(programs.bare));
}
const [orch, bare] = [median(times.orch), median(times.bare)];
process.stdout.write(
  `node ${process.version}, ${runs} alternating runs: orch ${orch.toFixed(0)} ms, bare ${bare.toFixed(0)} ms, ratio of medians ${(orch / bare).toFixed(2)}\n`,
);
