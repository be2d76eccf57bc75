import type { Probe } from '../core/failure.ts';
import type { Server } from '../core/project.ts';
import type { Location } from './database.ts';

/** Waits until a PostgreSQL truly serves. */
export interface Readiness {
  /**
   * Probes in the order of `Probe` until all pass.
   * @param options.timeout in ms
   * @throws Failure `server-unreachable` naming the probe that did not pass
   */
  waitReady(
    target: { readonly server: Server; readonly location: Location },
    options: {
      readonly timeout: number;
      readonly signal: AbortSignal;
      readonly onProbe: (probe: Probe, reason: string, waited: number) => void;
    },
  ): Promise<void>;
}
