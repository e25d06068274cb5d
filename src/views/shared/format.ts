/** Numbers and times as people read them. Times are epoch seconds. */
import type { ITrans } from './context';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

// Made once: each takes as long as the rendering of a row of the task table.
const THIS_YEAR = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short'
});
const OTHER_YEAR = new Intl.DateTimeFormat(undefined, {
  day: 'numeric',
  month: 'short',
  year: 'numeric'
});
const FULL_TIME = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'full',
  timeStyle: 'long'
});

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** 0.4 s, 12 s, 3:07, 2:05:09, 3 d 04 h. */
export function duration(trans: ITrans, seconds: number | null): string {
  if (seconds === null || !Number.isFinite(seconds)) {
    return '';
  }
  const total = Math.max(0, seconds);
  if (total < 10 && total % 1 !== 0) {
    return trans.__('%1 s', total.toFixed(1));
  }
  const whole = Math.floor(total);
  if (whole < MINUTE) {
    return trans.__('%1 s', whole);
  }
  if (whole < HOUR) {
    return `${Math.floor(whole / MINUTE)}:${two(whole % MINUTE)}`;
  }
  if (whole < DAY) {
    const rest = whole % HOUR;
    return `${Math.floor(whole / HOUR)}:${two(Math.floor(rest / MINUTE))}:${two(rest % MINUTE)}`;
  }
  return trans.__(
    '%1 d %2 h',
    Math.floor(whole / DAY),
    two(Math.floor((whole % DAY) / HOUR))
  );
}

/** Seconds that a run has lasted; `now` in milliseconds. */
export function elapsed(
  row: {
    status: string;
    started_at: number | null;
    duration: number | null;
  },
  now: number
): number | null {
  if (row.status === 'running' && row.started_at !== null) {
    // Whole seconds: a ticking clock needs no tenths.
    return Math.max(0, Math.floor(now / 1000 - row.started_at));
  }
  return row.duration;
}

/** "just now", "5 min ago", "yesterday 14:03", "3 Mar 14:03". `now` in ms. */
export function relativeTime(
  trans: ITrans,
  time: number | null,
  now: number
): string {
  if (time === null) {
    return '';
  }
  const age = now / 1000 - time;
  if (age < 0.75 * MINUTE) {
    return trans.__('just now');
  }
  if (age < HOUR) {
    return trans.__('%1 min ago', Math.max(1, Math.round(age / MINUTE)));
  }
  const date = new Date(time * 1000);
  const today = new Date(now);
  const midnight = new Date(
    today.getFullYear(),
    today.getMonth(),
    today.getDate()
  ).getTime();
  const clock = clockTime(time);
  if (date.getTime() >= midnight) {
    return trans.__('today %1', clock);
  }
  if (date.getTime() >= midnight - DAY * 1000) {
    return trans.__('yesterday %1', clock);
  }
  // What is so long ago needs no time of the day.
  return date.getFullYear() === today.getFullYear()
    ? `${dateText(THIS_YEAR, date)} ${clock}`
    : dateText(OTHER_YEAR, date);
}

/** Empty for a time that no calendar has, as a damaged task file may. */
function dateText(format: Intl.DateTimeFormat, date: Date): string {
  return Number.isNaN(date.getTime()) ? '' : format.format(date);
}

/** 14:03, with seconds where asked for. */
export function clockTime(time: number, seconds = false): string {
  const date = new Date(time * 1000);
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return seconds ? `${clock}:${two(date.getSeconds())}` : clock;
}

/** The whole date and time in the reader's zone. */
export function fullTime(time: number | null): string {
  return time === null ? '' : dateText(FULL_TIME, new Date(time * 1000));
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

/** 512 B, 1.5 KiB, 12 GiB. */
export function bytes(count: number | null): string {
  if (count === null) {
    return '';
  }
  let value = count;
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 10 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** 40 / 80 GiB, 0.6 / 80 GiB: both in the unit of the larger one. */
export function roomText(used: number | null, total: number | null): string {
  if (used === null || total === null) {
    return '–';
  }
  const [most, unit] = bytes(total).split(' ');
  const size = 1024 ** UNITS.indexOf(unit);
  const amount = used / size;
  return `${amount >= 10 ? Math.round(amount) : amount.toFixed(1)} / ${most} ${unit}`;
}

/** A number with four significant digits: 0.9123, 12.35, 1.234e-7. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? 'NaN' : value > 0 ? '∞' : '−∞';
  }
  if (Number.isInteger(value) && Math.abs(value) < 1e9) {
    return String(value);
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e9)) {
    return value
      .toExponential(3)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  }
  return size >= 1000 ? String(Math.round(value)) : value.toPrecision(4);
}

/** Any configuration value or figure as one line of text. */
export function plainValue(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (typeof value === 'number') {
    return formatNumber(value);
  }
  if (typeof value === 'string') {
    return value;
  }
  return JSON.stringify(value);
}

/** What was swept, as one line: lr=0.1, seed=3. */
export function sweptText(row: { swept: Record<string, unknown> }): string {
  return Object.entries(row.swept)
    .map(([key, value]) => `${key}=${exactValue(value)}`)
    .join(', ');
}

/**
 * Shorten dotted keys to their last parts, as few as are unique among them; an
 * index keeps the name of its list. So does the server in the names of tasks.
 */
export function shortKeys(keys: readonly string[]): string[] {
  return keys.map(key => {
    const parts = key.split('.');
    const ends = parts.map((_, at) => parts.slice(at).join('.')).reverse();
    const isUnique = (end: string) =>
      !/^\d+(\.|$)/.test(end) &&
      keys.every(other => other === key || !`.${other}`.endsWith(`.${end}`));
    return ends.find(isUnique) ?? key;
  });
}

/** Like `plainValue`, but numbers are not rounded: what the task was given. */
export function exactValue(value: unknown): string {
  return typeof value === 'number' ? String(value) : plainValue(value);
}

/** A number that is too long for a column with fewer digits, else exactly. */
export function shortValue(value: unknown): string {
  const exact = exactValue(value);
  return typeof value === 'number' && exact.length > 8
    ? formatNumber(value)
    : exact;
}

/** A sentence in which files are named without the folders they lie in. */
export function withoutFolders(sentence: string): string {
  return (
    sentence
      // Folders may have spaces in their names; there they begin the sentence.
      .replace(/^\/(?:[^/]*\/)*?(?=[^/\s]+\.\w+\s)/, '')
      .replace(/(^|[\s"'(])\/(?:[^\s"'()]*\/)([^\s"'()]+)/g, '$1$2')
  );
}

/** 7%, from percent. */
export function percent(value: number | null): string {
  return value === null ? '' : `${Math.round(value)}%`;
}

/** 1 task, 8,412 tasks. */
export function countOfTasks(trans: ITrans, count: number): string {
  return trans._n('1 task', '%2 tasks', count, count.toLocaleString());
}

/** A word for a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word)
    ? word
    : `'${word.replace(/'/g, "'\\''")}'`;
}
