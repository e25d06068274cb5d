/** What a search compares and a table is sorted by. */
import type { TaskRow } from '../types';
import { closest } from './alike';
import { placeOf } from './placing';
import type { ITask } from './task';
import { gpuHours, isActive, latestRun, taskFigures } from './task';
import type { Values } from './values';
import { valuesOf } from './yaml';

/** A field that a word means. */
export interface IField {
  readonly name: string;
  /**
   * `text` is found in parts, `label` is one of several words, `ago` a time,
   * `value` what a configuration or a figure holds.
   */
  readonly kind: 'text' | 'label' | 'number' | 'ago' | 'duration' | 'value';
  /** Undefined or null where a task has none. */
  get(task: ITask): unknown;
}

/** The configuration of a task by dotted key; of shell tasks there is none. */
export function configOf(task: ITask): Values {
  return task.kind === 'shell' ? {} : valuesOf(task.config);
}

const ALIASES: Record<string, string> = {
  notes: 'note',
  tags: 'tag',
  exit: 'exit_code',
  ended: 'finished',
  created_at: 'created',
  started_at: 'started',
  finished_at: 'finished'
};

/** The fields of some tasks, at a moment. */
export class Fields {
  constructor(tasks: readonly ITask[], now: number) {
    this.now = now;
    this._tasks = tasks;
    this._facts = factsOf(now);
  }

  readonly now: number;

  /** The fields that a key may mean: none, one or several. */
  find(key: string): IField[] {
    const lower = key.toLowerCase();
    const fact = this._facts.get(ALIASES[lower] ?? lower);
    if (fact) {
      return [fact];
    }
    const [, group, inner] = /^(?:(config|figure)\.|\.)?(.*)$/s.exec(key) ?? [];
    const all = this._values.filter(
      one => group === undefined || one.group === group
    );
    for (const isMeant of [
      (name: string) => name === inner,
      (name: string) => name.endsWith(`.${inner}`),
      (name: string) => name.toLowerCase() === inner.toLowerCase()
    ]) {
      const found = all.filter(one => isMeant(one.field.name));
      if (found.length > 0) {
        return found.map(one => one.field);
      }
    }
    return [];
  }

  /** Fields that are written like a key that nobody knows. */
  alike(key: string): string[] {
    const names = this._values.map(one => one.field.name);
    return closest(key, [...names, ...this._facts.keys()]);
  }

  /** Every key of the configurations, then every figure. */
  private get _values(): { group: 'config' | 'figure'; field: IField }[] {
    return (this._known ??= [
      ...this._fields('config', configOf),
      ...this._fields('figure', task => taskFigures(task, this.now))
    ]);
  }

  private _fields(
    group: 'config' | 'figure',
    read: (task: ITask) => Record<string, unknown>
  ): { group: 'config' | 'figure'; field: IField }[] {
    const names = new Set(this._tasks.flatMap(task => Object.keys(read(task))));
    return [...names].map(name => ({
      group,
      field: { name, kind: 'value', get: task => read(task)[name] }
    }));
  }

  private readonly _tasks: readonly ITask[];
  private readonly _facts: ReadonlyMap<string, IField>;
  private _known: { group: 'config' | 'figure'; field: IField }[] | null = null;
}

function factsOf(now: number): ReadonlyMap<string, IField> {
  const ended = (task: ITask) => {
    const run = latestRun(task);
    return run?.isOver ? run : null;
  };
  const lasted = (task: ITask) => {
    const run = latestRun(task);
    return run && Math.min(now, run.ending.at) - run.startedAt;
  };
  const facts: IField[] = [
    { name: 'name', kind: 'text', get: task => task.name },
    { name: 'note', kind: 'text', get: task => task.notes || null },
    {
      name: 'message',
      kind: 'text',
      get: task => task.message ?? ended(task)?.ending.message
    },
    { name: 'alert', kind: 'text', get: () => null },
    { name: 'status', kind: 'label', get: task => [task.status] },
    { name: 'kind', kind: 'label', get: task => [task.kind] },
    { name: 'tag', kind: 'label', get: task => list(task.tags) },
    {
      name: 'gpu',
      kind: 'label',
      get: task => list(latestRun(task)?.gpus.map(String) ?? [])
    },
    {
      name: 'study',
      kind: 'label',
      get: task => task.study && [task.study.name]
    },
    { name: 'created', kind: 'ago', get: task => task.createdAt },
    { name: 'started', kind: 'ago', get: task => latestRun(task)?.startedAt },
    { name: 'finished', kind: 'ago', get: task => ended(task)?.ending.at },
    { name: 'duration', kind: 'duration', get: lasted },
    { name: 'run', kind: 'number', get: task => task.runs.length || null },
    { name: 'runs', kind: 'number', get: task => task.runs.length },
    {
      name: 'exit_code',
      kind: 'number',
      get: task => ended(task)?.ending.exitCode
    },
    { name: 'order', kind: 'number', get: placeOf },
    { name: 'gpu_hours', kind: 'number', get: gpuHours },
    { name: 'energy_kwh', kind: 'number', get: () => null }
  ];
  return new Map(facts.map(fact => [fact.name, fact]));
}

function list(words: readonly string[]): readonly string[] | null {
  return words.length > 0 ? words : null;
}

/** Whether a task is in one of the states that `is:` knows. */
export function isIn(task: ITask, state: string): boolean {
  switch (state) {
    case 'pinned':
      return task.pinned;
    case 'active':
      return isActive(task);
    case 'damaged':
      return false;
    default:
      return (
        task.status === (state as TaskRow['status']) || task.kind === state
      );
  }
}
