import { dirname, resolve } from 'node:path';
import { Failure } from '../core/failure.ts';
import type { Fault } from '../core/fault.ts';
import type { Project } from '../core/project.ts';
import type { ConfigDocument, SourceText, VariablesFor } from './config-document.ts';
import { faultAt, faultOf, sortFaults } from './diagnostic.ts';
import { readTextFile, requireConfigFile, showPath } from './file.ts';
import { parseSimpleDocument } from './parse-simple-document.ts';
import type { ConfigFiles } from './resolve.ts';
import { resolveProject } from './resolve.ts';
import { isDropped, type ResolveContext } from './resolve-context.ts';
import type { ServiceConfig } from './schema.ts';
import type { Valid } from './validate.ts';
import { validateOrchestrator, validateService } from './validate.ts';
import type { Variables } from './variables.ts';
import { findPlainVariable, findSecretVariable } from './variables.ts';

/** Where a project is looked for. */
export interface LoadOptions {
  /** Absolute. */
  readonly cwd: string;
  /** `--config`; relative to `cwd`. Undefined: `orchestrator.config.yaml` in `cwd` or a parent. */
  readonly configPath?: string | undefined;
  readonly env: Variables;
}

/**
 * Reads `orchestrator.config.yaml` and the service files that it names, and gives the project that they describe.
 * Throws `config-not-found`, or `config-invalid` with all faults of all files.
 */
export async function loadProject({ cwd, configPath, env }: LoadOptions): Promise<Project> {
  const path = requireConfigFile(cwd, configPath);
  const quick = await tryLoad(path, { cwd, env }, parseSimpleDocument);
  if ('project' in quick) return quick.project;
  // Something is wrong, or written in a way that only the YAML library reads: it knows where everything stands.
  const { parseConfigDocument } = await import('./parse-document.ts');
  const full = await tryLoad(path, { cwd, env }, parseConfigDocument);
  if ('project' in full) return full.project;
  throw new Failure('config-invalid', { faults: sortFaults(full.faults) });
}

type ParseDocument = (source: SourceText, variables: VariablesFor) => ConfigDocument;
type Loading = ResolveContext & { readonly parse: ParseDocument };

async function tryLoad(
  path: string,
  { cwd, env }: Pick<LoadOptions, 'cwd' | 'env'>,
  parse: ParseDocument,
): Promise<{ readonly project: Project } | { readonly faults: readonly Fault[] }> {
  const context: Loading = { cwd, env, root: dirname(path), faults: [], secrets: new Set(), parse };
  const files = await loadFiles(context, path);
  const shapeFaults = context.faults.splice(0);
  const project = resolveProject(context, files);
  const faults = [...shapeFaults, ...context.faults.filter((fault) => !isFollowUp(fault, shapeFaults))];
  return project === undefined || faults.length > 0 ? { faults } : { project };
}

/** A fault of a line that could not be read in the first place, such as a URL in which a variable is missing. */
function isFollowUp(fault: Fault, earlier: readonly Fault[]): boolean {
  return fault.line !== undefined && earlier.some((one) => one.file === fault.file && one.line === fault.line);
}

async function loadFiles(context: Loading, path: string): Promise<ConfigFiles> {
  const document = loadDocument(context, path);
  if (document === undefined) return { main: undefined, services: [], complete: false };
  const { valid: main, faults } = await validateOrchestrator(document);
  context.faults.push(...faults);
  const listed = listServices(document.value);
  const services: Valid<ServiceConfig>[] = [];
  const seen = new Set<string>();
  for (const { index, file } of listed) {
    const place = document.rangeOf(['services', index], 'value');
    const servicePath = resolve(context.root, file);
    if (seen.has(servicePath)) context.faults.push(faultAt(document, place, 'this file stands here twice', undefined));
    else {
      const service = await loadService(context, servicePath, (problem) =>
        faultAt(document, place, `the service file ${showPath(context.cwd, servicePath)} ${problem}`, undefined),
      );
      if (service !== undefined) services.push(service);
    }
    seen.add(servicePath);
  }
  return {
    main,
    services,
    complete: main !== undefined && !isDropped(main, 'services') && services.length === listed.length,
  };
}

/** The services that a file lists, whatever else is wrong with it: their faults are shown together with its own. */
function listServices(value: unknown): readonly { readonly index: number; readonly file: string }[] {
  const list = typeof value === 'object' && value !== null && 'services' in value ? value.services : undefined;
  if (!Array.isArray(list)) return [];
  return list.flatMap((file, index) => (typeof file === 'string' && file !== '' ? [{ index, file }] : []));
}

async function loadService(
  context: Loading,
  path: string,
  explainMissing: (problem: string) => Fault,
): Promise<Valid<ServiceConfig> | undefined> {
  const document = loadDocument(context, path, explainMissing);
  if (document === undefined) return undefined;
  const { valid, faults } = await validateService(document);
  context.faults.push(...faults);
  return valid;
}

/** Undefined: the file could not be read, and it was said: of the place that names it, where there is one. */
function loadDocument(
  context: Loading,
  path: string,
  explainMissing?: (problem: string) => Fault,
): ConfigDocument | undefined {
  const shown = showPath(context.cwd, path);
  const file = readTextFile(path);
  if ('problem' in file) {
    if (file.line !== undefined)
      context.faults.push({ ...faultOf(shown, `this line ${file.problem}`), line: file.line });
    else context.faults.push(explainMissing?.(file.problem) ?? faultOf(shown, `the file ${file.problem}`));
    return undefined;
  }
  const document = context.parse(
    { path, shown, text: file.text },
    (holdsSecret) => (name) =>
      holdsSecret ? findSecretVariable(context.env, context.cwd, name) : findPlainVariable(context.env, name),
  );
  for (const secret of document.secrets) context.secrets.add(secret);
  return document;
}
