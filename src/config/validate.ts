import type { Fault } from '../core/fault.ts';
import type { ConfigDocument, ConfigPath } from './config-document.ts';
import { conforms } from './conforms.ts';
import orchestratorJsonSchema from './orchestrator.schema.json' with { type: 'json' };
import type { Salvaged } from './salvage.ts';
import type { OrchestratorConfig, ServiceConfig } from './schema.ts';
import serviceJsonSchema from './service.schema.json' with { type: 'json' };

/** A config file with a value of its type. */
export interface Valid<T> {
  readonly document: ConfigDocument;
  readonly config: T;
  /** Keys that were left out of `config` because their shape is wrong, which was told. */
  readonly dropped: readonly ConfigPath[];
}

export interface Validated<T> {
  /** Undefined: the shape is so wrong that nothing more can be said. */
  readonly valid: Valid<T> | undefined;
  readonly faults: readonly Fault[];
}

/** Looks at the shape of `orchestrator.config.yaml`; all faults at once. */
export async function validateOrchestrator(document: ConfigDocument): Promise<Validated<OrchestratorConfig>> {
  if (document.value === undefined) return { valid: undefined, faults: document.faults };
  if (conforms(orchestratorJsonSchema, document.value))
    return { valid: accept<OrchestratorConfig>(document), faults: document.faults };
  const [{ explainShape }, { orchestratorSchema }] = await Promise.all([
    import('./shape-fault.ts'),
    import('./schema.ts'),
  ]);
  const { faults, rest } = explainShape(document, orchestratorSchema, orchestratorJsonSchema);
  return { valid: rest && accept<OrchestratorConfig>(document, rest), faults: [...document.faults, ...faults] };
}

/** Looks at the shape of a `service.yaml`; all faults at once. */
export async function validateService(document: ConfigDocument): Promise<Validated<ServiceConfig>> {
  if (document.value === undefined) return { valid: undefined, faults: document.faults };
  if (conforms(serviceJsonSchema, document.value))
    return { valid: accept<ServiceConfig>(document), faults: document.faults };
  const [{ explainShape }, { serviceSchema }] = await Promise.all([import('./shape-fault.ts'), import('./schema.ts')]);
  const { faults, rest } = explainShape(document, serviceSchema, serviceJsonSchema);
  return { valid: rest && accept<ServiceConfig>(document, rest), faults: [...document.faults, ...faults] };
}

/** Only called after a look at the shape: the type is that of the schema that the look was made with. */
function accept<T>(
  document: ConfigDocument,
  { value, dropped }: Salvaged = { value: document.value, dropped: [] },
): Valid<T> {
  return { document, config: value as T, dropped };
}
