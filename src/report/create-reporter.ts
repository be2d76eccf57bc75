import { createJsonReporter } from './json.ts';
import { createPlainReporter } from './plain.ts';
import { createQuietReporter } from './quiet.ts';
import type { Reporter } from './reporter.ts';
import { type ReporterOptions, type ReportSettings, resolveSettings } from './settings.ts';
import { createTreeReporter } from './tree.ts';

const reporters: { readonly [K in ReportSettings['kind']]: (settings: ReportSettings) => Reporter } = {
  tree: createTreeReporter,
  plain: createPlainReporter,
  json: createJsonReporter,
  quiet: createQuietReporter,
};

/** The reporter that was asked for. Loads nothing yet: the tree loads listr2 with the first thing that is worth painting. */
export function createReporter(options: ReporterOptions): Reporter {
  const settings = resolveSettings(options);
  return reporters[settings.kind](settings);
}
