/** Whether what is written fits what a script takes. */
import type { FieldError, Parameter, Parameters } from '../types';
import { closest } from './alike';
import type { SweepPlan } from './sweep';
import type { Value } from './values';
import { isWhole, textOf } from './values';

/** Mistakes that are told at once. */
const MOST_ERRORS = 20;

/** What of a plan a script would refuse, each mistake once. */
export function misfits(plan: SweepPlan, script: Parameters): FieldError[] {
  // Who reads a configuration by itself takes whatever it finds there.
  if (script.kind !== 'argparse') {
    return [];
  }
  const byKey = new Map<string, Parameter>();
  for (const parameter of script.parameters) {
    byKey.set(parameter.name, parameter);
    parameter.flags.forEach(flag =>
      byKey.set(flag.replace(/^-+/, ''), parameter)
    );
  }
  const found = new Map<string, FieldError>();
  for (const [leaf, value, text] of plan.allValues()) {
    const parameter = byKey.get(leaf.key);
    const message = parameter
      ? misfit(leaf.key, parameter, value, text)
      : unknown(leaf.key, [...byKey.keys()]);
    if (message !== null && found.size < MOST_ERRORS) {
      const { key: field, line, column } = leaf;
      found.set(`${field} ${message}`, {
        code: 'invalid_input',
        message,
        field,
        line,
        column
      });
    }
  }
  return [...found.values()];
}

function unknown(key: string, known: readonly string[]): string {
  const [near] = closest(key, known);
  const hint = near
    ? `Did you mean ${near}?`
    : 'Remove the key, or add the argument to the script.';
  return `The script has no argument ${key}. ${hint}`;
}

/** Why a parameter does not take a value, null when it does. */
function misfit(
  key: string,
  parameter: Parameter,
  value: Value,
  text: string
): string | null {
  if (value === null) {
    return null;
  }
  const [flag] = parameter.flags;
  const told = typeof value === 'string' ? `'${value}'` : textOf(value);
  const wrong = (what: string) => `${key}: ${flag} ${what}`;
  if (parameter.type === 'bool') {
    return typeof value === 'boolean'
      ? null
      : wrong(`is a boolean flag. Write true or false, not ${told}.`);
  }
  const items = Array.isArray(value) ? value : [value];
  if (typeof value === 'object') {
    const isList = parameter.type === 'list' && Array.isArray(value);
    if (!isList) {
      const what = Array.isArray(value) ? 'list' : 'mapping';
      return wrong(`expects a single value, not a ${what}.`);
    }
  }
  if (typeof value === 'boolean') {
    return wrong(
      `expects a value of type ${parameter.type}, not a boolean. Quote ${told} to pass it as a string.`
    );
  }
  if (parameter.choices && !parameter.choices.includes(value)) {
    return wrong(
      `expects one of ${parameter.choices.join(', ')}, got ${told}.`
    );
  }
  const isInteger = (item: Value) =>
    typeof item === 'number' && Number.isInteger(item);
  if (parameter.type === 'float' && typeof value !== 'number') {
    return wrong(`expects a number, got ${told}.`);
  }
  if (
    (parameter.type === 'int' && !(isInteger(value) && isWhole(text))) ||
    (parameter.type === 'list' && !items.every(isInteger))
  ) {
    return wrong(`expects an integer, got ${told}.`);
  }
  return null;
}
