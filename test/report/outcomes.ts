import type { Outcome, ServiceOutcome } from '../../src/core/outcome.ts';
import { failures, sqlFailure } from './samples.ts';

const auth: ServiceOutcome = {
  service: 'api-auth',
  database: 'authdb',
  status: 'done',
  heads: ['002_x'],
  applied: ['001_users', '002_x'],
  seeded: [],
  reverted: [],
  stamped: [],
  url: 'http://127.0.0.1:8001/health',
  container: 'started',
  duration: 1234,
};
const user: ServiceOutcome = {
  service: '用户',
  database: 'apidb',
  status: 'unchanged',
  heads: ['005_names'],
  applied: [],
  seeded: [],
  reverted: [],
  stamped: [],
  url: 'http://127.0.0.1:8002/health',
  container: 'running',
  duration: 45,
};
const common: Outcome = {
  command: 'up',
  services: [auth, user],
  failures: [],
  unchanged: false,
  interrupted: undefined,
  duration: 65_000,
};

export const outcomes = {
  done: common,
  unchanged: {
    ...common,
    services: [{ ...auth, status: 'unchanged', applied: [], container: 'running' }, user],
    unchanged: true,
    duration: 140,
  },
  unchangedDatabases: { ...common, services: [{ ...user, container: undefined }], unchanged: true, duration: 140 },
  failed: {
    ...common,
    services: [
      { ...auth, status: 'failed', heads: ['001_users'], applied: [], url: undefined, container: 'untouched' },
      { ...user, status: 'not-started', heads: undefined, container: 'untouched', url: undefined },
    ],
    failures: [sqlFailure],
  },
  several: { ...common, failures: [sqlFailure, failures['lock-held']] },
  interrupted: { ...common, interrupted: 'SIGINT' },
} as const satisfies Record<string, Outcome>;
