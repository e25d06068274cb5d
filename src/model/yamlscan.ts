/**
 * Where the values of a YAML configuration stand in its text.
 *
 * A draft may hold batch syntax that is no valid YAML (`[64, 32] | [128, 64]`),
 * so the text is the truth and is read line by line, never failing.
 */

/**
 * A key of the configuration and the characters of its value.
 */
export interface IEntry {
  /** Dotted key, as the server names it. */
  readonly path: string;
  /** The last part of the path. */
  readonly key: string;
  /** How deep the key is nested, 0 at the top. */
  readonly depth: number;
  /** Whether the value is a block of further keys. */
  readonly section: boolean;
  /** Line of the key, from 1. */
  readonly line: number;
  /** Spaces before the key. */
  readonly indent: number;
  /** Offset just after the colon. */
  readonly colon: number;
  /** Offsets of the value; equal when there is none. */
  readonly start: number;
  readonly end: number;
  /** The value as it is written, without a comment; empty for a section. */
  readonly text: string;
  /** The comment on the key's line, without its `#`. */
  readonly comment: string;
  /** Offset after the last line that belongs to the key. */
  readonly blockEnd: number;
}

interface ILine {
  readonly start: number;
  /** Before the line's end. */
  readonly end: number;
  /** After the line's end. */
  readonly next: number;
  readonly indent: number;
  /** Nothing, or only a comment. */
  readonly blank: boolean;
}

const KEY =
  /^( *)(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|((?:[^\s"'[\]{}#&*!|>%@`,?-]|[-?](?=\S))(?:(?!\s#|:\s|:$).)*?)) *:(?=\s|$)/;
const BLOCK_SCALAR = /^[|>][-+0-9]*(?=\s*(?:#|$))/;
const PROPERTIES = /^(?:[&!]\S*(?:\s+|$))+/;
const PAIRS: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/**
 * Return every key of the configuration in the order of the text.
 *
 * Never fails: lines that make no sense belong to no key.
 */
export function entriesOf(text: string): IEntry[] {
  const lines = splitLines(text);
  const entries: IEntry[] = [];
  const parents: { indent: number; index: number }[] = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    const source = text.slice(line.start, line.end);
    const match = line.blank || isMarker(source) ? null : KEY.exec(source);
    if (!match) {
      i++;
      continue;
    }
    const indent = match[1].length;
    while (parents.length && parents[parents.length - 1].indent >= indent) {
      parents.pop();
    }
    const parent = parents.length
      ? entries[parents[parents.length - 1].index]
      : null;
    const key = keyText(match);
    const value = valueAt(text, lines, i, line.start + match[0].length, indent);
    parents.push({ indent, index: entries.length });
    entries.push({
      path: parent ? `${parent.path}.${key}` : key,
      key,
      depth: parent ? parent.depth + 1 : 0,
      line: i + 1,
      indent,
      colon: line.start + match[0].length,
      section: value.section,
      start: value.start,
      end: value.end,
      text: value.section ? '' : text.slice(value.start, value.end),
      comment: value.comment,
      blockEnd: lines[value.lastLine].next
    });
    i = value.lastLine + 1;
  }
  return entries;
}

function keyText(match: RegExpExecArray): string {
  if (match[2] !== undefined) {
    try {
      return JSON.parse(`"${match[2]}"`) as string;
    } catch {
      return match[2];
    }
  }
  return match[3] !== undefined ? match[3].replace(/''/g, "'") : match[4];
}

function isMarker(source: string): boolean {
  return /^(?:---|\.\.\.)(?:\s|$)|^%/.test(source);
}

function splitLines(text: string): ILine[] {
  const lines: ILine[] = [];
  let start = 0;
  while (start < text.length) {
    const newline = text.indexOf('\n', start);
    const next = newline < 0 ? text.length : newline + 1;
    let end = newline < 0 ? text.length : newline;
    if (end > start && text[end - 1] === '\r') {
      end--;
    }
    const source = text.slice(start, end);
    const content = source.search(/[^ ]/);
    lines.push({
      start,
      end,
      next,
      indent: content < 0 ? source.length : content,
      blank: /^\s*(?:#|$)/.test(source)
    });
    start = next;
  }
  return lines;
}

interface IValue {
  start: number;
  end: number;
  section: boolean;
  comment: string;
  lastLine: number;
}

function valueAt(
  text: string,
  lines: ILine[],
  index: number,
  colon: number,
  indent: number
): IValue {
  const line = lines[index];
  const rest = text.slice(colon, line.end);
  let start = colon + (rest.length - rest.trimStart().length);
  const bare = text.slice(start, line.end).replace(PROPERTIES, '');

  if (!bare || bare.startsWith('#')) {
    const comment = bare.slice(1).trim();
    const block = blockBelow(text, lines, index, indent);
    if (block === 'section') {
      const at = start;
      return { start: at, end: at, section: true, comment, lastLine: index };
    }
    if (block) {
      return { ...block, section: false, comment };
    }
    const end = line.end - bare.length;
    const written = text.slice(start, end).trimEnd();
    start = written ? start : colon;
    return {
      start,
      end: start + written.length,
      section: false,
      comment,
      lastLine: index
    };
  }

  if (BLOCK_SCALAR.test(bare)) {
    let last = index;
    for (let i = index + 1; i < lines.length; i++) {
      const empty = lines[i].start + lines[i].indent >= lines[i].end;
      if (!empty && lines[i].indent <= indent) {
        break;
      }
      last = empty ? last : i;
    }
    return {
      start,
      end: lines[last].end,
      section: false,
      comment: '',
      lastLine: last
    };
  }

  let last = index;
  let scan = scanValue(text, start, line.end);
  for (let i = index + 1; i < lines.length; i++) {
    const next = lines[i];
    const source = text.slice(next.start, next.end);
    const closes = scan.open > 0 && /^\s*[\])}]/.test(source);
    const deeper = next.indent > indent && (scan.open > 0 || !KEY.test(source));
    if (next.blank ? scan.open === 0 : !deeper && !closes) {
      break;
    }
    last = i;
    scan = scanValue(text, start, next.end);
  }
  while (last > index && lines[last].blank) {
    last--;
    scan = scanValue(text, start, lines[last].end);
  }
  return {
    start,
    end: scan.end,
    section: false,
    comment: text.slice(scan.end, lines[last].end).replace(/^\s*#/, '').trim(),
    lastLine: last
  };
}

/**
 * What stands indented (or as a list) below a key without a value.
 */
function blockBelow(
  text: string,
  lines: ILine[],
  index: number,
  indent: number
): 'section' | { start: number; end: number; lastLine: number } | null {
  let first = index + 1;
  while (first < lines.length && lines[first].blank) {
    first++;
  }
  if (first >= lines.length) {
    return null;
  }
  const source = text.slice(lines[first].start, lines[first].end);
  const isList = /^ *-(?:\s|$)/.test(source) && !isMarker(source);
  if (lines[first].indent > indent && !isList && KEY.test(source)) {
    return 'section';
  }
  if (
    lines[first].indent < indent ||
    (lines[first].indent === indent && !isList)
  ) {
    return null;
  }
  let last = first;
  for (let i = first + 1; i < lines.length; i++) {
    const next = lines[i];
    if (next.blank) {
      continue;
    }
    const item =
      next.indent === indent &&
      isList &&
      text.slice(next.start, next.end).trimStart().startsWith('-');
    if (next.indent <= indent && !item) {
      break;
    }
    last = i;
  }
  const from = lines[first].start + lines[first].indent;
  const end =
    first === last
      ? scanValue(text, from, lines[last].end).end
      : lines[last].end;
  return { start: from, end, lastLine: last };
}

/**
 * Read a value: where it ends before a comment, the bars at its top level,
 * and how many quotes and brackets are still open at its end.
 */
export function scanValue(
  text: string,
  start: number,
  end: number
): { end: number; bars: number[]; open: number } {
  const bars: number[] = [];
  const stack: string[] = [];
  let fresh = true; // at the start of a token, where alone a quote quotes
  let content = start;
  let i = start;
  while (i < end) {
    const character = text[i];
    if (character === '#' && (i === start || /\s/.test(text[i - 1]))) {
      const newline = text.indexOf('\n', i);
      i = newline < 0 || newline > end ? end : newline;
      continue;
    }
    if (fresh && (character === '"' || character === "'")) {
      const close = closeOfQuote(text, i, end);
      if (close < 0) {
        return { end: lastContent(text, i, end), bars, open: 1 };
      }
      i = close;
      content = close;
      fresh = false;
      continue;
    }
    if (character === '\\' && text[i + 1] === '|') {
      i += 2;
      content = i;
      fresh = false;
      continue;
    }
    if (character in PAIRS) {
      stack.push(PAIRS[character]);
    } else if (stack.length && character === stack[stack.length - 1]) {
      stack.pop();
    } else if (character === '|' && !stack.length) {
      bars.push(i);
    }
    if (!/\s/.test(character)) {
      fresh = '([{,|:'.includes(character);
      content = i + 1;
    }
    i++;
  }
  return { end: content, bars, open: stack.length };
}

function closeOfQuote(text: string, start: number, end: number): number {
  const quote = text[start];
  for (let i = start + 1; i < end; i++) {
    if (quote === '"' && text[i] === '\\') {
      i++;
    } else if (text[i] === quote) {
      if (quote === "'" && text[i + 1] === "'") {
        i++;
      } else {
        return i + 1;
      }
    }
  }
  return -1;
}

function lastContent(text: string, start: number, end: number): number {
  return start + text.slice(start, end).trimEnd().length;
}
