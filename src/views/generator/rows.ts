/** The rows of the form: the draft's keys joined with the script's parameters. */
import type { FieldError, Parameter } from '../../client/types';
import type { IAxis } from '../../model/studyform';
import { RUN_FIELDS } from '../../model/runoptions';
import { STUDY_FIELDS } from '../../model/studyform';
import type { IEntry } from '../../model/yamlscan';

export interface IRow {
  readonly path: string;
  /** The name without that of its group. */
  readonly label: string;
  /** The value as it is written; null where the configuration has none. */
  readonly text: string | null;
  readonly parameter: Parameter | null;
  readonly type: Parameter['type'];
  readonly help: string;
}

export interface IGroup {
  /** '' for rows without a group. */
  readonly name: string;
  readonly rows: readonly IRow[];
}

/** Default group names of argparse, which are not shown. */
const PLAIN_GROUPS = /^(?:(?:positional|optional) arguments|options|)$/i;

/** Join keys and parameters; groups come in the order of their first row. */
export function groupsOf(
  entries: readonly IEntry[],
  parameters: readonly Parameter[]
): IGroup[] {
  const known = new Map(parameters.map(item => [item.name, item]));
  const groups = new Map<string, IRow[]>();
  const sections = new Set<string>();
  const add = (path: string, entry: IEntry | null) => {
    const parameter = known.get(path) ?? null;
    known.delete(path);
    const dot = entry
      ? entry.path.length - entry.key.length - 1
      : path.lastIndexOf('.');
    const parent = dot > 0 ? path.slice(0, dot) : '';
    const named = parameter?.group ?? '';
    const group = groupName(parent, PLAIN_GROUPS.test(named) ? '' : named);
    const rows = groups.get(group) ?? [];
    groups.set(group, rows);
    rows.push({
      path,
      label: labelOf(path, parent, group),
      text: entry && entry.text,
      parameter,
      type: parameter?.type ?? typeOf(entry?.text ?? ''),
      help: parameter?.help || entry?.comment || ''
    });
  };
  for (const entry of entries) {
    if (entry.section) {
      sections.add(entry.path);
    } else {
      add(entry.path, entry);
    }
  }
  for (const path of [...known.keys()]) {
    if (!sections.has(path)) {
      add(path, null);
    }
  }
  return [...groups].map(([name, rows]) => ({ name, rows }));
}

/** The name of a row without what the title of its group says already. */
function labelOf(path: string, parent: string, group: string): string {
  const above = parent || group;
  return above && path.startsWith(`${above}.`)
    ? path.slice(above.length + 1)
    : path;
}

/** The keys whose values a free command line takes: `--lr {lr}` needs `lr`. */
export function placeholdersOf(commandLine: string): string[] {
  const found = commandLine
    .replace(/\{\{|\}\}/g, '')
    .matchAll(/\{([^{}\s]+)\}/g);
  return [...new Set([...found].map(match => match[1]))];
}

/** The group of a row: where it is nested, and what the script calls its group. */
function groupName(parent: string, named: string): string {
  if (!parent || !named || named === parent) {
    return parent || named;
  }
  // The group of a subcommand's argument begins with the subcommand's name.
  return named.startsWith(parent.split('.')[0]) ? named : `${parent}: ${named}`;
}

/** Pinned rows in a group of their own before the others. */
export function pinRows(
  groups: readonly IGroup[],
  pinned: readonly string[]
): IGroup[] {
  const rows = new Map(
    groups.flatMap(group => group.rows).map(row => [row.path, row])
  );
  const first = pinned.flatMap(path => rows.get(path) ?? []);
  if (first.length === 0) {
    return [...groups];
  }
  const chosen = new Set(pinned);
  return [
    { name: PINNED, rows: first.map(row => ({ ...row, label: row.path })) },
    ...filterRows(groups, row => !chosen.has(row.path))
  ];
}

/** The name of the group of pinned rows; no script can call one so. */
export const PINNED = '\0pinned';

/** Keep the rows that a test lets pass. */
export function filterRows(
  groups: readonly IGroup[],
  test: (row: IRow) => boolean
): IGroup[] {
  return groups
    .map(group => ({ ...group, rows: group.rows.filter(test) }))
    .filter(group => group.rows.length > 0);
}

/** Keep the rows in which every word occurs. */
export function searchRows(groups: IGroup[], search: string): IGroup[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    return groups;
  }
  return filterRows(groups, row => {
    const text = `${row.path} ${row.help} ${row.text ?? ''}`.toLowerCase();
    return words.every(word => text.includes(word));
  });
}

/** Where in the form each mistake belongs; the key '' holds the others. */
export function errorsByPath(
  errors: readonly FieldError[],
  entries: readonly IEntry[]
): Map<string, FieldError[]> {
  const paths = new Set(
    entries.filter(entry => !entry.section).map(entry => entry.path)
  );
  const found = new Map<string, FieldError[]>();
  for (const error of errors) {
    const path = placeOf(error, entries, paths);
    found.set(path, [...(found.get(path) ?? []), error]);
  }
  return found;
}

function placeOf(
  error: FieldError,
  entries: readonly IEntry[],
  paths: ReadonlySet<string>
): string {
  const field = error.field ?? '';
  if ([...RUN_FIELDS, ...STUDY_FIELDS, 'name'].some(each => each === field)) {
    // A parameter may have that name: then the mistake has a line.
    if (!paths.has(field) || !error.line) {
      return `@${field}`;
    }
  }
  for (let path = field; path; path = path.slice(0, path.lastIndexOf('.'))) {
    if (paths.has(path)) {
      return path;
    }
    if (!path.includes('.')) {
      break;
    }
  }
  if (error.line) {
    const line = error.line;
    const above = entries.filter(entry => entry.line <= line);
    const entry = above[above.length - 1];
    if (entry && !entry.section) {
      return entry.path;
    }
  }
  return field && !['yaml', 'text'].includes(field) ? field : '';
}

/** The axis of each key. */
export function axesByPath(axes: readonly IAxis[]): Map<string, IAxis> {
  return new Map(axes.map(axis => [axis.key, axis]));
}

/** Guess the type of a value whose key is not a known parameter. */
function typeOf(text: string): Parameter['type'] {
  const first = text.split('|')[0].trim();
  if (/^(?:true|false)$/i.test(first)) {
    return 'bool';
  }
  if (/^[-+]?\d[\d_]*$/.test(first)) {
    return 'int';
  }
  if (/^[-+]?(?:\d[\d_]*\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i.test(first)) {
    return 'float';
  }
  return first.startsWith('[') || first.startsWith('- ') ? 'list' : 'str';
}
