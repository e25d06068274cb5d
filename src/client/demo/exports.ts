/** Results as a file: a row a run, or the latest run of each task. */
import type { ExportQuery, IDownload } from '../types';
import { configOf } from './fields';
import { gpuUuid, HOST } from './machine';
import { beyondDemo } from './refusals';
import type { IRun } from './run';
import { figuresOf, statusOf } from './run';
import { select } from './select';
import type { ITask } from './task';
import { strict } from './values';
import type { Workspace } from './workspace';
import type { World } from './world';

const TYPES = {
  csv: 'text/csv',
  json: 'application/json',
  jsonl: 'application/x-ndjson'
};

function isTable(format: string): format is keyof typeof TYPES {
  return format in TYPES;
}

/** What is known of every run, before its configuration and its figures. */
const FACTS = [
  'task',
  'run',
  'status',
  'created_at',
  'started_at',
  'finished_at',
  'duration',
  'exit_code',
  'host',
  'gpus',
  'pinned',
  'tags',
  'notes',
  'message'
] as const;

type Row = Record<string, unknown>;

export function exportOf(
  world: World,
  workspace: Workspace,
  query: ExportQuery
): IDownload {
  const { format = 'csv', runs = 'all' } = query;
  if (!isTable(format) || query.curves) {
    throw beyondDemo('it exports only runs as CSV or JSON.', 'format');
  }
  const { tasks } = select(world, workspace, { order: 'asc', ...query });
  const rows = tasks.flatMap(task => {
    const wanted = runs === 'latest' ? task.runs.slice(-1) : task.runs;
    return wanted.length > 0 || runs === 'all'
      ? wanted.map(run => rowOfRun(task, run, world.time))
      : [{ ...factsOf(task, null), ...prefixed(configOf(task), {}) }];
  });
  const text =
    format === 'csv'
      ? (query.bom ? '\ufeff' : '') + csvOf(rows, query.raw === true)
      : format === 'json'
        ? `[${rows.map(row => JSON.stringify(row)).join(',\n ')}]\n`
        : rows.map(row => `${JSON.stringify(row)}\n`).join('');
  return {
    blob: new Blob([text], { type: TYPES[format] }),
    name: `${workspace.project.name}.${format}`
  };
}

function rowOfRun(task: ITask, run: IRun, now: number): Row {
  return {
    ...factsOf(task, run),
    ...prefixed(task.kind === 'shell' ? {} : run.values, figuresOf(run, now))
  };
}

/** A name that both have gets the name of its part in front. */
function prefixed(config: Row, figures: Row): Row {
  const facts: readonly string[] = FACTS;
  const name = (key: string, others: Row, prefix: string) =>
    key in others || facts.includes(key) ? `${prefix}.${key}` : key;
  return Object.fromEntries([
    ...Object.entries(config).map(([key, value]) => [
      name(key, figures, 'config'),
      strict(value)
    ]),
    ...Object.entries(figures).map(([key, value]) => [
      name(key, config, 'figure'),
      strict(value)
    ])
  ]);
}

function factsOf(task: ITask, run: IRun | null): Row {
  const ending = run?.isOver ? run.ending : null;
  return {
    task: task.name,
    run: run?.index ?? null,
    status: run ? statusOf(run) : task.status,
    created_at: iso(task.createdAt),
    started_at: iso(run?.startedAt),
    finished_at: iso(ending?.at),
    duration: run && ending ? ending.at - run.startedAt : null,
    exit_code: ending?.exitCode ?? null,
    host: run ? HOST : null,
    gpus: run?.gpus.map(gpuUuid) ?? [],
    pinned: task.pinned,
    tags: [...task.tags],
    notes: task.notes || null,
    message: ending?.message ?? null
  };
}

function iso(epoch: number | undefined): string | null {
  return epoch === undefined ? null : new Date(1000 * epoch).toISOString();
}

function csvOf(rows: readonly Row[], isRaw: boolean): string {
  const titles = [
    ...new Set([...FACTS, ...rows.flatMap(row => Object.keys(row))])
  ];
  return [titles, ...rows.map(row => titles.map(title => cellOf(row[title])))]
    .map(cells => cells.map(cell => quoted(cell, isRaw)).join(',') + '\r\n')
    .join('');
}

function cellOf(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (Array.isArray(value)) {
    return value.every(item => typeof item === 'string')
      ? value.join(', ')
      : JSON.stringify(value);
  }
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** A cell, and never one that a spreadsheet would execute. */
function quoted(text: string, isRaw: boolean): string {
  const isFormula = /^[=+@\t\r\n]|^-(?!\d)/.test(text) && !isRaw;
  const safe = isFormula ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}
