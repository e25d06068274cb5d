/** Completes queries with known keys and values. */
import type { Columns, TaskPage, TaskRow } from '../client/types';
import { aggregatedMetric, aggregateOf, suggestedAggregates } from './metrics';

/** The keys and values that a query can contain. */
export interface IVocabulary {
  /** Parameters and metrics. */
  readonly keys: readonly string[];
  readonly metrics: readonly string[];
  /** Suggested aggregates of metrics. */
  readonly aggregates: readonly string[];
  /** Some values, by key. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

export interface ICompletion {
  /** The range of the text that is replaced. */
  readonly from: number;
  readonly to: number;
  readonly items: readonly string[];
}

/** How many suggestions are offered. */
const MAX_SUGGESTIONS = 8;

/** Fields of every task, with the most frequent operator. */
const FIELDS = [
  'status:',
  'is:',
  'has:',
  'no:',
  'name:',
  'note:',
  'tag:',
  'log:',
  'message:',
  'alert:',
  'gpu:',
  'study:',
  'kind:',
  'started',
  'finished',
  'created',
  'duration',
  'runs',
  'exit_code',
  'progress',
  'gpu_hours',
  'energy_kwh'
];

/** Fields of tasks that `has:` and `no:` are used with most. */
const PRESENCE = ['alert', 'note', 'tag', 'message'];

const VALUES: Record<string, readonly string[]> = {
  status: [
    'running',
    'queued',
    'pending',
    'completed',
    'failed',
    'cancelled',
    'unreadable'
  ],
  is: ['active', 'failed', 'pinned', 'damaged', 'running', 'completed'],
  kind: ['python', 'shell'],
  started: ['2h', '1d', 'today', 'yesterday'],
  finished: ['2h', '1d', 'today', 'yesterday'],
  created: ['2h', '1d', 'today', 'yesterday'],
  duration: ['10m', '1h', '1h30m']
};

/** A key, an operator, and the start of a value. */
const TERM = /^(-?)("?)([^\s:<>=!"]+)\2(:|<=|>=|!=|=|<|>)([^\s]*)$/;

/** An aggregate up to the start of its metric. */
const AGGREGATE =
  /(?:^|[\s(:-])(last|best|min|max|mean|at)\(([^\s()",:<>=!]*)$/;

/**
 * Complete the word before the caret.
 *
 * @returns null without suggestions
 */
export function complete(
  text: string,
  caret: number,
  vocabulary: IVocabulary
): ICompletion | null {
  const before = text.slice(0, caret);
  // Quoted text and patterns are not completed.
  if (
    (before.match(/"/g) ?? []).length % 2 === 1 ||
    /(?:^|[\s:=])\/[^/]*$/.test(before)
  ) {
    return null;
  }
  const word = /[^\s()]*$/.exec(before)?.[0] ?? '';
  const from = caret - word.length;
  const to = caret + (/^[^\s()]*/.exec(text.slice(caret))?.[0].length ?? 0);
  const [, name, metric] = AGGREGATE.exec(before) ?? [];
  if (name) {
    // The step of at(loss, 100) follows the metric.
    const end = name === 'at' ? ', ' : text[to] === ')' ? '' : ')';
    const items = matching(vocabulary.metrics, metric).map(
      key => aggregateOf(name, key).slice(name.length + 1, -1) + end
    );
    return offer(items, from, to, metric);
  }
  const term = TERM.exec(word);
  if (term) {
    const [, , , key, operator, value] = term;
    const last = value.slice(value.lastIndexOf(',') + 1);
    const known =
      operator === ':' && (key === 'has' || key === 'no')
        ? [...vocabulary.keys, ...PRESENCE, ...vocabulary.aggregates]
        : (VALUES[key] ?? vocabulary.values.get(key) ?? []);
    const items = matching(known, last).map(item =>
      /[\s"(),:]/.test(item) && aggregatedMetric(item) === null
        ? JSON.stringify(item)
        : item
    );
    return offer(items, caret - last.length, to, last);
  }
  const bare = word.replace(/^-/, '');
  if (!bare) {
    return null;
  }
  const { keys, aggregates } = vocabulary;
  const items = matching([...keys, ...FIELDS, ...aggregates], bare);
  return offer(items, from + word.length - bare.length, to, bare);
}

function offer(
  items: readonly string[],
  from: number,
  to: number,
  written: string
): ICompletion | null {
  const fresh = items
    .filter(item => item !== written)
    .slice(0, MAX_SUGGESTIONS);
  return fresh.length > 0 ? { from, to, items: fresh } : null;
}

/** Return the items that start with a text, then those with such a part. */
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

/** How many values of a key are collected, and from how many tasks. */
const MAX_VALUES = 50;
const MAX_ROWS = 300;

/** Collect the keys and values of tasks. */
export function vocabularyOf(
  rows: readonly (TaskRow | undefined)[],
  seen: TaskPage['columns'],
  known: Columns | null,
  goals: Readonly<Record<string, unknown>> = {}
): IVocabulary {
  const values = new Map<string, string[]>();
  const add = (key: string, value: unknown): void => {
    const list = values.get(key) ?? [];
    const text = typeof value === 'object' ? '' : String(value);
    if (text && list.length < MAX_VALUES && !list.includes(text)) {
      list.push(text);
    }
    values.set(key, list);
  };
  const loaded = rows.filter((row): row is TaskRow => row !== undefined);
  for (const row of loaded.slice(0, MAX_ROWS)) {
    Object.entries({ ...row.values, ...row.swept }).forEach(each =>
      add(...each)
    );
    row.tags.forEach(tag => add('tag', tag));
  }
  const keys = [
    ...seen.swept,
    ...seen.figures,
    ...(known?.parameters ?? []).map(item => item.key)
  ];
  return {
    keys: [...new Set(keys)],
    metrics: seen.figures,
    aggregates: suggestedAggregates(seen.figures, goals),
    values
  };
}
