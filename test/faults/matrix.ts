import type { Row } from './row.ts';
import { killRows } from './rows/kill.ts';
import { signalRows } from './rows/signal.ts';

/** Every fault that orch must survive. Rows about backups come with backups. */
export const matrix: readonly Row[] = [...killRows, ...signalRows];
