/** What may follow in a search, from the keys and values that there are. */

import type { Columns, TaskPage, TaskRow } from '../client/types';

/** What a search can be about. */
export interface IVocabulary {
  /** Keys of configuration and figures. */
  readonly keys: readonly string[];
  /** Values by key, the first ones of each. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

export interface ICompletion {
  /** What of the text is replaced. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly string[];
}

/** So many are offered. */
const MOST = 8;

/** Facts of every task, with the operator that mostly follows. */
const FACTS = [
  'status:',
  'is:',
  'has:',
  'no:',
  'name:',
  'note:',
  'tag:',
  'log:',
  'message:',
  'gpu:',
  'study:',
  'kind:',
  'started',
  'finished',
  'created',
  'duration',
  'runs',
  'exit_code',
  'progress'
];

const VALUES: Record<string, readonly string[]> = {
  status: ['running', 'queued', 'pending', 'completed', 'failed', 'cancelled'],
  is: ['active', 'failed', 'pinned', 'damaged', 'running', 'completed'],
  kind: ['python', 'shell'],
  started: ['2h', '1d', 'today', 'yesterday'],
  finished: ['2h', '1d', 'today', 'yesterday'],
  created: ['2h', '1d', 'today', 'yesterday'],
  duration: ['10m', '1h', '1h30m']
};

/** A key with an operator behind it, and the value as far as it is written. */
const TERM = /^(-?)("?)([^\s:<>=!"]+)\2(:|<=|>=|!=|=|<|>)([^\s]*)$/;

/**
 * What may stand in place of the word before the caret.
 *
 * @returns null when there is nothing to offer
 */
export function complete(
  text: string,
  caret: number,
  vocabulary: IVocabulary
): ICompletion | null {
  const before = text.slice(0, caret);
  // Within quotes or a pattern nothing is known.
  if (
    (before.match(/"/g) ?? []).length % 2 === 1 ||
    /(?:^|[\s:=])\/[^/]*$/.test(before)
  ) {
    return null;
  }
  const word = /[^\s()]*$/.exec(before)?.[0] ?? '';
  const from = caret - word.length;
  const to = caret + (/^[^\s()]*/.exec(text.slice(caret))?.[0].length ?? 0);
  const term = TERM.exec(word);
  if (term) {
    const [, , , key, operator, value] = term;
    const last = value.slice(value.lastIndexOf(',') + 1);
    const known =
      operator === ':' && (key === 'has' || key === 'no')
        ? vocabulary.keys
        : (VALUES[key] ?? vocabulary.values.get(key) ?? []);
    const items = matching(known, last).map(item =>
      /[\s"(),:]/.test(item) ? JSON.stringify(item) : item
    );
    return offer(items, caret - last.length, to, last);
  }
  const bare = word.replace(/^-/, '');
  if (!bare) {
    return null;
  }
  const items = matching([...vocabulary.keys, ...FACTS], bare);
  return offer(items, from + word.length - bare.length, to, bare);
}

function offer(
  items: readonly string[],
  from: number,
  to: number,
  written: string
): ICompletion | null {
  const fresh = items.filter(item => item !== written).slice(0, MOST);
  return fresh.length > 0 ? { from, to, items: fresh } : null;
}

/** Those that begin so, then those with a part that begins so. */
function matching(known: readonly string[], written: string): string[] {
  const wanted = written.toLowerCase();
  const first = known.filter(item => item.toLowerCase().startsWith(wanted));
  const later = known.filter(
    item =>
      !first.includes(item) &&
      wanted !== '' &&
      item
        .toLowerCase()
        .split(/[._/-]/)
        .some(part => part.startsWith(wanted))
  );
  return [...new Set([...first, ...later])];
}

/** Values of a key that are gathered, and tasks that are looked at for them. */
const MOST_VALUES = 50;
const MOST_ROWS = 300;

/** What can be searched for among some tasks. */
export function vocabularyOf(
  rows: readonly (TaskRow | undefined)[],
  seen: TaskPage['columns'],
  known: Columns | null
): IVocabulary {
  const values = new Map<string, string[]>();
  let looked = 0;
  for (const row of rows) {
    if (row && ++looked > MOST_ROWS) {
      break;
    }
    const its = row && { ...row.values, ...row.swept };
    for (const [key, value] of Object.entries(its ?? {})) {
      const list = values.get(key) ?? [];
      const text = typeof value === 'object' ? '' : String(value);
      if (text && list.length < MOST_VALUES && !list.includes(text)) {
        list.push(text);
      }
      values.set(key, list);
    }
    for (const tag of row?.tags ?? []) {
      const tags = values.get('tag') ?? [];
      if (!tags.includes(tag)) {
        values.set('tag', [...tags, tag]);
      }
    }
  }
  const keys = [
    ...seen.swept,
    ...seen.figures,
    ...(known?.parameters ?? []).map(item => item.key)
  ];
  return { keys: [...new Set(keys)], values };
}
