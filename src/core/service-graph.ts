import type { Service } from './project.ts';

/**
 * Services in an order in which each comes after those it needs; otherwise in the order given.
 * A cycle is the config's fault and was refused there: its members keep the order given.
 */
export function orderByNeeds(services: readonly Service[]): readonly Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const ordered = new Set<Service>();
  const visiting = new Set<string>();
  const visit = (service: Service): void => {
    if (ordered.has(service) || visiting.has(service.name)) return;
    visiting.add(service.name);
    for (const need of service.needs) {
      const needed = byName.get(need);
      if (needed !== undefined) visit(needed);
    }
    ordered.add(service);
  };
  for (const service of services) visit(service);
  return [...ordered];
}

/** The named services and all that they need, in need order. */
export function withNeeds(services: readonly Service[], names: readonly string[]): readonly Service[] {
  const byName = new Map(services.map((service) => [service.name, service]));
  const wanted = new Set<string>();
  const want = (name: string): void => {
    const service = byName.get(name);
    if (service === undefined || wanted.has(name)) return;
    wanted.add(name);
    for (const need of service.needs) want(need);
  };
  for (const name of names) want(name);
  return orderByNeeds(services.filter((service) => wanted.has(service.name)));
}

/** A need cycle as its whole path, first name repeated at the end; undefined where there is none. */
export function findNeedCycle(
  services: readonly { readonly name: string; readonly needs: readonly string[] }[],
): readonly string[] | undefined {
  const byName = new Map(services.map((service) => [service.name, service]));
  const finished = new Set<string>();
  const search = (name: string, path: readonly string[]): readonly string[] | undefined => {
    const seen = path.indexOf(name);
    if (seen >= 0) return [...path.slice(seen), name];
    if (finished.has(name)) return undefined;
    for (const need of byName.get(name)?.needs ?? []) {
      const cycle = search(need, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    finished.add(name);
    return undefined;
  };
  for (const service of services) {
    const cycle = search(service.name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
