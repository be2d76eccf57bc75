import { dirname, resolve } from 'node:path';
import type { Policies, Project } from '../core/project.ts';
import type { Declared } from './cross-check.ts';
import { checkCycles, checkDatabases, checkNames, checkNeeds, checkPasswords } from './cross-check.ts';
import { resolveAuthoring } from './resolve-authoring.ts';
import type { ResolveContext } from './resolve-context.ts';
import { resolveDuration, resolveWhole } from './resolve-context.ts';
import { checkOverrides, ServerTable } from './resolve-server.ts';
import { resolveService } from './resolve-service.ts';
import type { OrchestratorConfig, ServiceConfig } from './schema.ts';
import type { Valid } from './validate.ts';

/** The files of a project. */
export interface ConfigFiles {
  /** Undefined: it could not be used. */
  readonly main: Valid<OrchestratorConfig> | undefined;
  readonly services: readonly Valid<ServiceConfig>[];
  /** False: there are services besides these, whose files could not be used. */
  readonly complete: boolean;
}

/**
 * Config -> Project: defaults, absolute paths, ms, passwords, and what the files say of each other. What is wrong goes
 * to `context.faults`; the project counts only where that stayed empty. Undefined: there is no `main`.
 */
export function resolveProject(context: ResolveContext, files: ConfigFiles): Project | undefined {
  const { main, services, complete } = files;
  const servers = main && new ServerTable(context, main);
  const declared = services.flatMap((valid): readonly Declared[] => {
    const service = resolveService(context, valid, servers);
    return service === undefined ? [] : [{ valid, service }];
  });
  checkNames(context, services);
  checkCycles(context, services);
  checkDatabases(context, declared);
  checkPasswords(context, declared);
  if (complete) {
    checkNeeds(context, services);
    checkOverrides(
      context,
      services.map(({ config }) => config.name),
    );
  }
  const policies = main && resolvePolicies(context, main);
  const authoring = main && resolveAuthoring(context, main);
  if (main === undefined || policies === undefined || authoring === undefined) return undefined;
  return {
    name: main.config.project,
    root: context.root,
    file: main.document.path,
    environment: main.config.environment ?? 'production',
    composeFiles: (main.config.compose?.files ?? []).map((file) => resolve(dirname(main.document.path), file)),
    servers: [...new Set(declared.map(({ service }) => service.server))],
    services: declared.map(({ service }) => service),
    policies,
    ...authoring,
    secrets: [...context.secrets],
  };
}

function resolvePolicies(context: ResolveContext, main: Valid<OrchestratorConfig>): Policies {
  const config = main.config.policies ?? {};
  const duration = (key: 'lockWait' | 'lockTimeout' | 'lockRetry' | 'statementTimeout', fallback: number): number =>
    resolveDuration(context, main, ['policies', key], config[key], fallback);
  return {
    lockWait: duration('lockWait', 60_000),
    lockTimeout: duration('lockTimeout', 500),
    lockRetry: duration('lockRetry', 120_000),
    statementTimeout: duration('statementTimeout', 0),
    failFast: String(config.failFast ?? false) === 'true',
    concurrency: resolveWhole(context, main, ['policies', 'concurrency'], config.concurrency ?? 4, { from: 1, to: 64 }),
  };
}
