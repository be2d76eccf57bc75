import process from 'node:process';
import { createLocalRuntime } from '../../src/adapters/local/runtime.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import type { Project } from '../../src/core/project.ts';

/*
 * An `up` in a process of its own, for tests that kill it or work with it from outside: holds the databases of the
 * project that it gets as JSON, starts its services, says `holding`, and ends when it is asked to go.
 */
const project = JSON.parse(process.argv[2] ?? '') as Project;
const signal = new AbortController().signal;
const environment = { PATH: process.env.PATH ?? '' };
const runtime = createLocalRuntime({ project, environment, clock: systemClock, pid: process.pid, stays: true });
const [server] = project.servers;
if (server !== undefined) await runtime.startServer(server, project.services, signal);
for (const service of project.services) await runtime.startService(service, 'create', signal);
process.stdout.write(`holding ${runtime.holds}\n`);
await runtime.untilEnded(signal);
await runtime.close();
process.stdout.write('gone\n');
