import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../config/duration.ts';
import { describeUnfit } from '../core/variables.ts';

/** `--service`, of the commands that take a target as their argument. */
export function serviceOption(): Option {
  return new Option('-s, --service <name>', 'only this service; may be given several times')
    .argParser(collectNames)
    .default([], 'all services');
}

/** Collects a repeatable option that also takes several names at once. */
export function collectNames(value: string, earlier: readonly string[]): readonly string[] {
  return [...earlier, ...value.split(',').filter((name) => name !== '')];
}

/** Collects `name=value`; a later one of the same name counts. */
function collectValues(text: string, earlier: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const [, name, value] = /^([a-z_][a-z0-9_]*)=(.*)$/s.exec(text) ?? [];
  if (name === undefined || value === undefined)
    throw new InvalidArgumentError('Expected name=value; a name is of a-z, 0-9 and _.');
  const unfit = describeUnfit(value);
  if (unfit !== undefined) throw new InvalidArgumentError(`This can be no value: ${unfit}.`);
  return { ...earlier, [name]: value };
}

/** Adds `--set name=value` to a command that applies or reverts revisions. */
export function addSetOption(command: Command): Command {
  return command.option(
    '--set <name=value>',
    'a value for a variable that revision files name; may be given several times',
    collectValues,
    {},
  );
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

/** `--unclear`, of the commands that go on with a text outside a transaction. */
export function unclearOption(): Option {
  const description = 'what to do with a statement outside a transaction whose end was not recorded';
  return new Option('--unclear <done|again>', description).choices(['done', 'again']);
}
