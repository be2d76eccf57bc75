import type { Row } from './row.ts';
import { connectionRows } from './rows/connection.ts';
import { contentionRows } from './rows/contention.ts';
import { failoverRows } from './rows/failover.ts';
import { killRows } from './rows/kill.ts';
import { refusalRows } from './rows/refusal.ts';
import { revisionRows } from './rows/revision.ts';
import { serverRows } from './rows/server.ts';
import { servicesRows } from './rows/services.ts';
import { signalRows } from './rows/signal.ts';

/** Every fault that orch must survive. Rows about backups come with backups. */
export const matrix: readonly Row[] = [
  ...killRows,
  ...signalRows,
  ...connectionRows,
  ...refusalRows,
  ...revisionRows,
  ...contentionRows,
  ...serverRows,
  ...servicesRows,
  ...failoverRows,
];
