/** Reads values of unknown shape: saved states, settings, answers of a proxy. */

/** The fields of an object; none of anything else. */
export function asRecord(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)
    : {};
}

export function asText(value: unknown, fallback = ''): string {
  return typeof value === 'string' ? value : fallback;
}

/** The texts of a list; none of anything else. */
export function asTexts(value: unknown): string[] {
  return Array.isArray(value)
    ? value.filter((item): item is string => typeof item === 'string')
    : [];
}

/** One of the known values, or the fallback. */
export function asOneOf<const T, const F>(
  value: unknown,
  known: readonly T[],
  fallback: F
): T | F {
  return known.find(item => item === value) ?? fallback;
}
