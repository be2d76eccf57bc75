import type { Server, Service } from '../core/project.ts';
import { findNeedCycle } from '../core/service-graph.ts';
import { hintForUnknown } from './identifier.ts';
import type { ResolveContext } from './resolve-context.ts';
import { placeOf, refuse } from './resolve-context.ts';
import type { ServiceConfig } from './schema.ts';
import { isLoopback } from './server-url.ts';
import type { Valid } from './validate.ts';

/** Two services with one name. */
export function checkNames(context: ResolveContext, services: readonly Valid<ServiceConfig>[]): void {
  const first = new Map<string, Valid<ServiceConfig>>();
  for (const service of services) {
    const { name } = service.config;
    const earlier = first.get(name);
    if (earlier === undefined) first.set(name, service);
    else
      refuse(
        context,
        service,
        ['name'],
        `two services are named '${name}'`,
        `The other one: ${placeOf(earlier, ['name'])}.`,
      );
  }
}

/** A need that no service meets. Asked only where every file could be read: else a missing name may be in the other. */
export function checkNeeds(context: ResolveContext, services: readonly Valid<ServiceConfig>[]): void {
  const names = services.map((service) => service.config.name);
  for (const service of services) {
    for (const [index, need] of (service.config.needs ?? []).entries()) {
      if (names.includes(need)) continue;
      const hint = hintForUnknown(
        need,
        names.filter((name) => name !== service.config.name),
      );
      refuse(context, service, ['needs', index], `no service is named '${need}'`, hint);
    }
  }
}

/** Services that need each other, or themselves: each cycle once, at the need that closes it. */
export function checkCycles(context: ResolveContext, services: readonly Valid<ServiceConfig>[]): void {
  let left = services.map(({ config }) => ({ name: config.name, needs: config.needs ?? [] }));
  for (;;) {
    const cycle = findNeedCycle(left);
    if (cycle === undefined) return;
    const [name, needed] = cycle;
    const service = services.find(({ config }) => config.name === name);
    if (service === undefined || needed === undefined) return;
    const message = cycle.length === 2 ? 'a service cannot need itself' : 'services that need each other in a circle';
    const index = (service.config.needs ?? []).indexOf(needed);
    refuse(context, service, ['needs', index], `${message}: ${cycle.join(' -> ')}`, 'Take one of these needs out.');
    left = left.filter((one) => !cycle.includes(one.name));
  }
}

/** A service, resolved, with the file that says so. */
export interface Declared {
  readonly valid: Valid<ServiceConfig>;
  readonly service: Service;
}

/** Two services with one database on one server, however the two write the server's address. */
export function checkDatabases(context: ResolveContext, declared: readonly Declared[]): void {
  const first = new Map<string, Declared>();
  for (const one of declared) {
    const key = `${addressOf(one.service.server)}/${one.service.database}`;
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, one);
    else {
      const message = `two services have one database: ${earlier.service.name} and ${one.service.name} have '${one.service.database}'`;
      refuse(
        context,
        one.valid,
        databasePath(one),
        message,
        `The other one: ${placeOf(earlier.valid, databasePath(earlier))}.`,
      );
    }
  }
}

function databasePath({ valid }: Declared): readonly string[] {
  return [valid.config.database === undefined ? 'url' : 'database'];
}

/** Roles belong to the whole server: with two passwords each run would undo the other's. */
export function checkPasswords(context: ResolveContext, declared: readonly Declared[]): void {
  const first = new Map<
    string,
    { readonly password: string; readonly valid: Valid<ServiceConfig>; readonly path: readonly (string | number)[] }
  >();
  for (const { valid, service } of declared) {
    const { owner, roles, server } = service;
    const all = [
      { ...owner, path: ['owner', 'role'] },
      ...roles.map((role, index) => ({
        role: role.name,
        password: role.password,
        path: ['prerequisites', 'roles', index, 'name'],
      })),
    ];
    for (const { role, password, path } of all) {
      if (password === undefined) continue;
      const key = `${addressOf(server)}/${role}`;
      const earlier = first.get(key);
      if (earlier === undefined) first.set(key, { password, valid, path });
      else if (earlier.password !== password) {
        refuse(
          context,
          valid,
          path,
          `two services give the role '${role}' different passwords`,
          `The other one: ${placeOf(earlier.valid, earlier.path)}.`,
        );
      }
    }
  }
}

function addressOf({ host, port }: Server): string {
  const name = isLoopback(host) && !host.startsWith('/') ? 'this machine' : host.toLowerCase();
  return `${name}:${port}`;
}
