/** The arguments of commands. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import { asTexts } from '../client/shapes';
import type { Argument } from './argumentschemas';

export const PAGES = [
  'dashboard',
  'generator',
  'manager',
  'monitor',
  'compare'
] as const;

/** Describe a command with these arguments. */
export function describe(
  trans: TranslationBundle,
  names: readonly Argument[],
  required: readonly Argument[] = []
): CommandRegistry.ICommandOptions['describedBy'] {
  return async () => {
    const { schemaOf } = await import('./argumentschemas');
    return { args: schemaOf(trans, names, required) };
  };
}

/** Return an argument if it is a string. */
export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Return an argument if it is a list of strings. */
export function texts(value: unknown): string[] | undefined {
  return Array.isArray(value) ? asTexts(value) : undefined;
}
