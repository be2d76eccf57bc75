import type { Fault } from './fault.ts';
import type { Revision } from './revision.ts';

/** The faults of variables that a revision names and nobody gives a value; empty: it has them all. */
export function missingValues({ variables, values = {}, up }: Revision): readonly Fault[] {
  const missing = variables.filter((name) => !Object.hasOwn(values, name));
  return missing.map((name) => ({
    file: up.language === 'sql' ? (up.shownFile ?? up.file) : up.file,
    line: undefined,
    column: undefined,
    message: `the variable ${name} has no value`,
    source: undefined,
    hint: `write \`variables: { ${name}: … }\` in service.yaml, or --set ${name}=…`,
  }));
}
