import { realpathSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { defaultNaming, findUnknownWord, type NameKind, type NamingConvention } from '../core/naming.ts';
import type { Project } from '../core/project.ts';
import { showPath } from './file.ts';
import { isInside } from './inside.ts';
import { type ResolveContext, refuse } from './resolve-context.ts';
import type { OrchestratorConfig } from './schema.ts';
import { describeReadError } from './secret.ts';
import type { Valid } from './validate.ts';

/** What new revision files are made with. */
export function resolveAuthoring(
  context: ResolveContext,
  main: Valid<OrchestratorConfig>,
): Pick<Project, 'templates' | 'naming'> {
  return { templates: resolveTemplates(context, main), naming: resolveNaming(context, main) };
}

const NAME_KINDS = Object.keys(defaultNaming) as readonly NameKind[];

function resolveNaming(context: ResolveContext, main: Valid<OrchestratorConfig>): NamingConvention {
  // Not whatever stands there: an unknown key was told, and holds who knows what.
  const given = NAME_KINDS.flatMap((kind): readonly (readonly [NameKind, string])[] => {
    const pattern = main.config.naming?.[kind];
    return pattern === undefined ? [] : [[kind, pattern]];
  });
  for (const [kind, pattern] of given) {
    const unknown = findUnknownWord(pattern);
    if (unknown === undefined) continue;
    refuse(
      context,
      main,
      ['naming', kind],
      `${unknown.found} means nothing here`,
      `The words are ${unknown.known.join(', ')}.`,
    );
  }
  return { ...defaultNaming, ...Object.fromEntries(given) };
}

function resolveTemplates(context: ResolveContext, main: Valid<OrchestratorConfig>): string | undefined {
  const { templates } = main.config;
  if (templates === undefined) return undefined;
  const folder = resolve(dirname(main.document.path), templates);
  const shown = showPath(context.cwd, folder);
  try {
    if (!statSync(folder).isDirectory())
      refuse(context, main, ['templates'], `the templates folder ${shown} is not a folder`);
    else if (!isInside(realpathSync(context.root), realpathSync(folder))) {
      const hint = 'Its real path, with links followed, must be inside the folder of orchestrator.config.yaml.';
      refuse(context, main, ['templates'], `the templates folder ${shown} is outside the project`, hint);
    }
  } catch (error) {
    refuse(context, main, ['templates'], `the templates folder ${shown} ${describeReadError(error)}`);
  }
  return folder;
}
