/** Compares the values of two configurations, not their order and comments. */
import { entriesOf } from './yamlscan';

export interface IKeyDifference {
  readonly path: string;
  /** As written; null if the key is missing. */
  readonly value: string | null;
  readonly other: string | null;
  readonly isSame: boolean;
}

/**
 * Return all keys of a configuration, then those only in the other one.
 *
 * @param text - YAML
 * @param other - YAML to compare with
 */
export function compareConfigs(text: string, other: string): IKeyDifference[] {
  const values = valuesOf(text);
  const others = valuesOf(other);
  return [...new Set([...values.keys(), ...others.keys()])].map(path => {
    const value = values.get(path) ?? null;
    const its = others.get(path) ?? null;
    return { path, value, other: its, isSame: isSame(value, its) };
  });
}

/** Return the values of a configuration as they are written, by their keys. */
export function valuesOf(text: string): Map<string, string> {
  return new Map(
    entriesOf(text)
      .filter(entry => !entry.section)
      .map(entry => [entry.path, entry.text])
  );
}

/** Return whether two texts are equal, or the same number. */
function isSame(one: string | null, other: string | null): boolean {
  if (one === null || other === null || one === other) {
    return one === other;
  }
  const numbers = [one, other].map(text =>
    /^[-+]?[\d.]+(?:[eE][-+]?\d+)?$/.test(text) ? Number(text) : NaN
  );
  return numbers[0] === numbers[1];
}
