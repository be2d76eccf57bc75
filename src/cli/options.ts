import { InvalidArgumentError } from 'commander';
import { parseDuration } from '../config/duration.ts';

/** Collects a repeatable option that also takes several names at once. */
export function collectNames(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, ...value.split(',').filter((name) => name !== '')];
}

/** `30s`, `500ms`, `2m` or a number of seconds → ms. */
export function durationOption(value: string): number {
  const parsed = parseDuration(value);
  if (parsed === undefined) throw new InvalidArgumentError('Expected a duration such as 30s, 500ms or 2m.');
  return parsed;
}

/** A whole number, 0 or above. */
export function countOption(value: string): number {
  if (!/^\d{1,9}$/.test(value)) throw new InvalidArgumentError('Expected a whole number.');
  return Number(value);
}
