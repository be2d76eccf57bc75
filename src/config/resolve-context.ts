import type { Fault } from '../core/fault.ts';
import type { ConfigPath } from './config-document.ts';
import { faultAt } from './diagnostic.ts';
import { parseDuration } from './duration.ts';
import type { Valid } from './validate.ts';
import type { Variables } from './variables.ts';

/** What is gathered while files become a project. */
export interface ResolveContext {
  readonly cwd: string;
  readonly env: Variables;
  /** The folder of `orchestrator.config.yaml`, absolute. */
  readonly root: string;
  readonly faults: Fault[];
  readonly secrets: Set<string>;
}

/** Notes a fault of the key or value at a path of a file. Gives undefined, which stands for the value. */
export function refuse(
  context: ResolveContext,
  { document }: Pick<Valid<unknown>, 'document'>,
  path: ConfigPath,
  message: string,
  hint?: string,
  part: 'key' | 'value' = 'value',
): undefined {
  context.faults.push(faultAt(document, document.rangeOf(path, part), message, hint));
}

/** True where a key was there, but is left out because its shape is wrong: that it is missing needs no word. */
export function isDropped({ dropped }: Pick<Valid<unknown>, 'dropped'>, ...path: ConfigPath): boolean {
  return dropped.some((key) => key.length <= path.length && key.every((step, index) => step === path[index]));
}

/** `src/a.yaml:3:1`, to point from one fault to another place. */
export function placeOf({ document }: Pick<Valid<unknown>, 'document'>, path: ConfigPath): string {
  const { line } = faultAt(document, document.rangeOf(path, 'value'), '', undefined);
  return `${document.shown}:${line}`;
}

/** A duration in ms; the shape was looked at before, so that only its length can be wrong. */
export function resolveDuration(
  context: ResolveContext,
  valid: Valid<unknown>,
  path: ConfigPath,
  value: string | number | undefined,
  fallback: number,
): number {
  if (value === undefined) return fallback;
  const ms = parseDuration(value);
  if (ms === undefined) refuse(context, valid, path, 'this duration is longer than 24 days');
  return ms ?? fallback;
}

/** A whole number; as a text, which a variable always is, it may be out of the range that the shape asks for. */
export function resolveWhole(
  context: ResolveContext,
  valid: Valid<unknown>,
  path: ConfigPath,
  value: string | number,
  range: { readonly from: number; readonly to: number },
): number {
  const number = Number(value);
  if (number < range.from || number > range.to) {
    refuse(context, valid, path, `expected a whole number from ${range.from} to ${range.to}, found ${number}`);
  }
  return number;
}
