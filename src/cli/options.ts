import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/duration.ts';

/** `--service`, of the commands that take a target as their argument. */
export function serviceOption(): Option {
  return new Option('-s, --service <name>', 'only this service; may be given several times')
    .argParser(collectNames)
    .default([], 'all services');
}

/** Collects a repeatable option that also takes several names at once. */
function collectNames(value: string, earlier: readonly string[]): readonly string[] {
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
