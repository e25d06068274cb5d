/** The JSON schemas of the arguments of commands; they are loaded with the first command. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type {
  ReadonlyJSONObject,
  ReadonlyPartialJSONObject
} from '@lumino/coreutils';

import { PAGES } from './arguments';

/** JSON schemas of the arguments that commands take, by name. */
const schemasOf = (trans: TranslationBundle) => ({
  workspace: string(trans.__('Workspace ID; default: the current workspace')),
  tasks: strings(
    trans.__('Task names; default: the selection in the active page')
  ),
  tags: strings(trans.__('Tags')),
  name: string(trans.__('Task name')),
  text: string(trans.__('Configuration, or text to find')),
  query: string(trans.__('Query')),
  options: {
    type: 'object' as const,
    description: trans.__('Run options, as in the REST API')
  },
  before: string(trans.__('Place the tasks before this task')),
  after: string(trans.__('Place the tasks after this task')),
  format: string(trans.__('Format of the file'), [
    'csv',
    'json',
    'parquet',
    'tensorboard',
    'mlflow'
  ]),
  runs: string(trans.__('Latest run of each task, or all runs'), [
    'latest',
    'all'
  ]),
  limit: integer(trans.__('Maximum number of tasks')),
  offset: integer(trans.__('Number of tasks to skip')),
  page: string(trans.__('Page to open'), PAGES),
  task: string(trans.__('Task whose log to show')),
  beside: strings(trans.__('Tasks whose logs are shown next to it')),
  names: strings(
    trans.__('Tasks to compare; default: those of the last comparison')
  ),
  study: string(trans.__('Name of the study')),
  tab: string(trans.__('Tab of the Compare page'), ['failures']),
  trials: integer(trans.__('Total number of trials of the study')),
  file: string(trans.__('YAML file to use as the template')),
  search: string(
    trans.__('Query string of a URL with the parameters pyruns and query')
  ),
  path: string(
    trans.__('File or folder; default: the selection in the file browser')
  ),
  source: string(trans.__('Folder or file with runs')),
  context: {
    type: 'boolean' as const,
    description: trans.__(
      'Whether to show the command only if it can be applied to the selection'
    )
  }
});

export type Argument = keyof ReturnType<typeof schemasOf>;

/** Return the schema of a command with these arguments. */
export function schemaOf(
  trans: TranslationBundle,
  names: readonly Argument[],
  required: readonly Argument[]
): ReadonlyJSONObject {
  const schemas = schemasOf(trans);
  const properties = Object.fromEntries(
    names.map(name => [name, schemas[name]])
  );
  return { type: 'object', properties, required: [...required] };
}

function string(description: string, values?: readonly string[]) {
  const oneOf = values?.map(value => ({ const: value }));
  return { type: 'string' as const, description, ...(oneOf && { oneOf }) };
}

function strings(description: string) {
  const items = { type: 'string' as const };
  return { type: 'array' as const, items, description };
}

function integer(description: string) {
  return { type: 'integer' as const, description };
}

/**
 * Check the arguments of a command.
 *
 * @param described - their JSON schema
 * @throws an error with a sentence for the user
 */
export function checkArguments(
  trans: TranslationBundle,
  args: ReadonlyPartialJSONObject,
  described: ReadonlyPartialJSONObject | null
): void {
  const { properties, required = [] } = (described ?? {}) as {
    properties?: Record<string, ISchema>;
    required?: string[];
  };
  for (const [name, { type, oneOf }] of Object.entries(properties ?? {})) {
    const value = args[name];
    if (value === undefined) {
      if (required.includes(name)) {
        throw new Error(trans.__('The argument “%1” is missing.', name));
      }
      continue;
    }
    if (oneOf && !oneOf.some(choice => choice.const === value)) {
      const values = oneOf.map(choice => choice.const).join(', ');
      throw new Error(
        trans.__('The argument “%1” must be one of: %2.', name, values)
      );
    }
    if (!IS_OF_TYPE[type](value)) {
      throw new Error(
        trans.__(
          'The argument “%1” must be of type %2.',
          name,
          type === 'array' ? 'array of strings' : type
        )
      );
    }
  }
}

interface ISchema {
  readonly type: keyof typeof IS_OF_TYPE;
  readonly oneOf?: readonly { readonly const: string }[];
}

const IS_OF_TYPE = {
  string: (value: unknown) => typeof value === 'string',
  integer: Number.isInteger,
  boolean: (value: unknown) => typeof value === 'boolean',
  object: (value: unknown) => value instanceof Object && !Array.isArray(value),
  array: (value: unknown) =>
    Array.isArray(value) && value.every(item => typeof item === 'string')
};
