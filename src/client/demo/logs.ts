/** The output of runs in bytes: all of it follows from the run and the time. */
import type { ILogRange, LogQuery, LogTimes, LogTimesQuery } from '../types';
import { SOURCE } from './machine';
import { invalid, notFound } from './refusals';
import type { IRun } from './run';
import type { ITask } from './task';

const USUAL_RANGE = 256 * 1024;
const MOST_RANGE = 4 * 1024 * 1024;
const USUAL_MARKS = 1000;
const NEWLINE = 10;
const RETURN = 13;
const encoder = new TextEncoder();

/** A log with the times at which its pieces were written. */
interface IWritten {
  readonly bytes: Uint8Array;
  /** Where each piece ends, and when it was written. */
  readonly ends: readonly number[];
  readonly times: readonly number[];
}

interface IKept {
  readonly isOver: boolean;
  readonly name: string;
  readonly written: IWritten;
}

const kept = new WeakMap<IRun, IKept>();

/** All that a run will have written, as things are. */
function writtenBy(task: ITask, run: IRun): IWritten {
  const known = kept.get(run);
  if (known?.isOver === run.isOver) {
    return known.written;
  }
  // Its banner names the task as it was called then.
  const name = known?.name ?? task.name;
  const written = write(name, run);
  kept.set(run, { isOver: run.isOver, name, written });
  return written;
}

function write(name: string, run: IRun): IWritten {
  const limit = run.isOver ? run.ending.at - run.startedAt : Infinity;
  const output = run.course.output().filter(piece => piece.at <= limit);
  const pieces = [
    { at: 0, text: banner('START', name, 'started', run.startedAt) },
    { at: 0, text: ours(`Source ${SOURCE}`) },
    ...output
  ];
  if (run.isOver) {
    const last = output[output.length - 1]?.text ?? '';
    pieces.push({
      at: limit,
      text: (last.startsWith('\r') ? '\n' : '') + finish(name, run)
    });
  }
  const parts = pieces.map(piece => encoder.encode(piece.text));
  const ends: number[] = [];
  let size = 0;
  for (const part of parts) {
    size += part.length;
    ends.push(size);
  }
  const bytes = new Uint8Array(size);
  parts.forEach((part, at) => bytes.set(part, ends[at] - part.length));
  const times = pieces.map(piece => run.startedAt + piece.at);
  return { bytes, ends, times };
}

function ours(text: string): string {
  return `[PYRUNS] ${text}\n`;
}

function banner(
  word: string,
  name: string,
  did: string,
  epoch: number
): string {
  const rule = '='.repeat(20);
  const title = `${rule} ${word} ${rule}`;
  return [
    title,
    `Task ${name} ${did} at ${stamp(epoch)}`,
    title.replace(/./g, '=')
  ]
    .map(ours)
    .join('');
}

function finish(name: string, run: IRun): string {
  const { at, exitCode, status } = run.ending;
  const lines = [
    `Exit code: ${exitCode ?? 'none'}`,
    `Duration: ${(at - run.startedAt).toFixed(3)}s`,
    ...(status === 'cancelled' ? ['Final status: cancelled'] : [])
  ];
  return banner('FINISH', name, 'finished', at) + lines.map(ours).join('');
}

/** A time as files and logs write it. */
export function stamp(epoch: number): string {
  const date = new Date(1000 * epoch);
  const two = (value: number) => String(value).padStart(2, '0');
  const day = [
    date.getFullYear(),
    two(date.getMonth() + 1),
    two(date.getDate())
  ];
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two);
  return `${day.join('-')}_${time.join('-')}`;
}

/** How many pieces were written by a moment. */
function piecesBy(times: readonly number[], now: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= now) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** The bytes of a run's log at a moment. */
export function logBytes(task: ITask, run: IRun, now: number): Uint8Array {
  const { bytes, ends, times } = writtenBy(task, run);
  // What was written by a run that is over is all there.
  const count = run.isOver ? ends.length : piecesBy(times, now);
  return bytes.subarray(0, ends[count - 1] ?? 0);
}

export function logSize(task: ITask, run: IRun, now: number): number {
  return logBytes(task, run, now).length;
}

/** The run whose log is asked for; by default the latest one. */
export function loggedRun(task: ITask, wanted?: number): IRun {
  const number = wanted ?? Math.max(1, task.runs.length);
  const run = task.runs[number - 1];
  if (!run) {
    throw notFound(
      number === task.runs.length + 1
        ? `Run ${number} of '${task.name}' has not started yet.`
        : `The task '${task.name}' has no run ${number}.`
    );
  }
  return run;
}

/** Where the last bytes of a log begin, moved on to the start of a line. */
export function tailOffset(bytes: Uint8Array, count: number): number {
  const start = bytes.length - count;
  if (start <= 0) {
    return 0;
  }
  for (const mark of [NEWLINE, RETURN]) {
    const found = bytes.indexOf(mark, start - 1);
    if (found >= 0 && found + 1 < bytes.length) {
      return found + 1;
    }
  }
  // Not in the middle of a character.
  const whole = bytes.subarray(start).findIndex(byte => (byte & 0xc0) !== 0x80);
  return start + Math.max(0, whole);
}

export function readRange(
  task: ITask,
  query: LogQuery,
  now: number
): ILogRange {
  const { offset, limit, tail, before } = query;
  if ([offset, tail, before].filter(one => one !== undefined).length > 1) {
    throw invalid("Specify only one of 'offset', 'tail' and 'before'.", {
      field: 'tail'
    });
  }
  const all = logBytes(task, loggedRun(task, query.run), now);
  const size = all.length;
  if (before !== undefined) {
    const head = all.subarray(0, before);
    const begin = tailOffset(head, limit ?? USUAL_RANGE);
    return { bytes: head.slice(begin), offset: begin, size };
  }
  const begin = tail === undefined ? (offset ?? 0) : tailOffset(all, tail);
  const most = limit ?? (tail === undefined ? USUAL_RANGE : MOST_RANGE);
  return { bytes: all.slice(begin, begin + most), offset: begin, size };
}

/** When the bytes of a part of a log were written. */
export function readTimes(
  task: ITask,
  query: LogTimesQuery,
  now: number
): LogTimes {
  const run = loggedRun(task, query.run);
  const { ends, times } = writtenBy(task, run);
  const size = logSize(task, run, now);
  const begin = query.offset ?? 0;
  const end = query.end ?? size;
  const marks: [number, number][] = [];
  for (let at = 0; at < ends.length && ends[at] <= size; at++) {
    const isLastOfItsTime =
      times[at + 1] === undefined || times[at + 1] > times[at];
    if (ends[at] > begin && isLastOfItsTime) {
      marks.push([ends[at], Math.round(10 * times[at]) / 10]);
      if (ends[at] >= end) {
        break;
      }
    }
  }
  const stride = Math.ceil(
    marks.length / Math.max(1, query.limit ?? USUAL_MARKS)
  );
  // The last one stays: it alone tells of the last bytes.
  return {
    marks: marks.filter((_, at) => (marks.length - 1 - at) % stride === 0)
  };
}
