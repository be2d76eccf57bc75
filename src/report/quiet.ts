import type { Reporter } from './reporter.ts';
import type { ReportSettings } from './settings.ts';
import { Told } from './told.ts';

/** Says nothing but failures, each in full, on `progress`. */
export function createQuietReporter(settings: ReportSettings): Reporter {
  const told = new Told(settings);
  return {
    on: (event) => told.on(event),
    pause: async () => undefined,
    close: async (outcome) => {
      const failures = told.untold(outcome);
      if (failures !== '') settings.progress.write(failures);
    },
    fail: async (failure) => {
      settings.progress.write(told.untoldFailure(failure));
    },
  };
}
