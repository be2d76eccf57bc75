/** One `${…}` that could not be put in. */
export interface VariableFault {
  /** The text of the expression, to find its place in the file. */
  readonly expression: string;
  readonly message: string;
  readonly hint: string | undefined;
}

export interface Interpolated {
  readonly text: string;
  /** Names of the variables that were asked for. */
  readonly names: readonly string[];
  readonly faults: readonly VariableFault[];
}

/** A variable's value, or why it has none although it is set; undefined: it is not set. */
export type Variable = { readonly value: string } | { readonly problem: string } | undefined;

export type FindVariable = (name: string) => Variable;

interface Collector {
  readonly find: FindVariable;
  readonly names: string[];
  readonly faults: VariableFault[];
}

/** Defaults inside defaults: more than anyone writes by hand. */
const MAX_NESTING = 8;

const EXPRESSION = /^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[-?+])([\s\S]*))?$/;

/**
 * Puts variables into one value as Compose does: `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`,
 * `${NAME?message}`, `${NAME:+other}`, `${NAME+other}`, and `$$` for a dollar sign. With the colon an empty variable
 * counts as not set. What was put in is never read again, so a variable's own `$` and `: ` stay text.
 * Unlike Compose, `$NAME` and an unset `${NAME}` are faults: an empty password or host is never what was meant.
 */
export function interpolate(text: string, find: FindVariable): Interpolated {
  const collector: Collector = { find, names: [], faults: [] };
  const result = expand(text, collector, 0);
  return { text: result, names: collector.names, faults: collector.faults };
}

function expand(text: string, collector: Collector, depth: number): string {
  let result = '';
  let index = 0;
  for (;;) {
    const dollar = text.indexOf('$', index);
    if (dollar < 0) return result + text.slice(index);
    result += text.slice(index, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      result += '$';
      index = dollar + 2;
    } else if (next === '{') {
      const close = findClose(text, dollar + 2);
      if (close === undefined) {
        addFault(collector, '${', 'a ${ without its }', 'Write $$ for a dollar sign that is meant as text.');
        return result;
      }
      result += evaluate(text.slice(dollar, close + 1), collector, depth);
      index = close + 1;
    } else {
      addFault(collector, '$', 'a single $', 'Write ${NAME} for a variable, or $$ for a dollar sign.');
      index = dollar + 1;
    }
  }
}

/** The `}` that closes the `${` before `start`; a `${…}` inside counts as a whole. */
function findClose(text: string, start: number): number | undefined {
  let open = 1;
  for (let index = start; index < text.length; index += 1) {
    if (text[index] === '}') open -= 1;
    if (text[index] === '{' && text[index - 1] === '$') open += 1;
    if (open === 0) return index;
  }
  return undefined;
}

function evaluate(expression: string, collector: Collector, depth: number): string {
  const [, name, operator = '', rest = ''] = EXPRESSION.exec(expression.slice(2, -1)) ?? [];
  if (name === undefined || depth > MAX_NESTING) {
    addFault(collector, expression, 'a variable in a form that is not known', FORMS);
    return '';
  }
  collector.names.push(name);
  const variable = collector.find(name);
  if (variable !== undefined && 'problem' in variable) {
    addFault(collector, expression, variable.problem, undefined);
    return '';
  }
  const value = variable?.value;
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  if (operator.endsWith('+')) return isSet ? expand(rest, collector, depth + 1) : '';
  if (isSet) return value;
  if (operator.endsWith('-')) return expand(rest, collector, depth + 1);
  refuseUnset(
    collector,
    expression,
    `the variable ${name} is ${value === undefined ? 'not set' : 'empty'}`,
    rest,
    name,
  );
  return '';
}

function refuseUnset(collector: Collector, expression: string, why: string, message: string, name: string): void {
  if (message !== '') addFault(collector, expression, `${why}: ${message}`, undefined);
  else addFault(collector, expression, why, `Set ${name}, or give a default: \${${name}:-…}.`);
}

const FORMS = 'Known are ${NAME}, ${NAME:-default}, ${NAME-default}, ${NAME:?message}, ${NAME?message} and $$.';

function addFault(collector: Collector, expression: string, message: string, hint: string | undefined): void {
  collector.faults.push({ expression, message, hint });
}
