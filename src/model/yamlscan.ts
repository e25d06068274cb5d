/**
 * Finds the keys and values of a YAML configuration in its text.
 *
 * A draft may contain sweep syntax that is not valid YAML
 * (`[64, 32] | [128, 64]`), so the text is scanned line by line: a YAML parser
 * loses all keys that follow such a value.
 */

/** A key of the configuration and the characters of its value. */
export interface IEntry {
  /** Dotted key, as in the REST API. */
  readonly path: string;
  /** The last part of the path. */
  readonly key: string;
  /** Nesting level, 0 at the top. */
  readonly depth: number;
  /** Whether the value is a block of further keys. */
  readonly section: boolean;
  /** Line of the key, from 1. */
  readonly line: number;
  /** Spaces before the key. */
  readonly indent: number;
  /** Offset after the colon. */
  readonly colon: number;
  /** Offsets of the value; equal when it is empty. */
  readonly start: number;
  readonly end: number;
  /** The value as written, without a comment; empty for a section. */
  readonly text: string;
  /** The comment on the key's line, without its `#`. */
  readonly comment: string;
  /** Offset after the last line of the value. */
  readonly blockEnd: number;
}

interface ILine {
  /** Without the line break. */
  readonly source: string;
  readonly start: number;
  readonly end: number;
  /** Offset after the line break. */
  readonly next: number;
  readonly indent: number;
  /** Empty, or only a comment. */
  readonly blank: boolean;
}

const KEY =
  /^( *)(?:"((?:[^"\\]|\\.)*)"|'((?:[^']|'')*)'|((?:[^\s"'[\]{}#&*!|>%@`,?-]|[-?](?=\S))(?:(?!\s#|:\s|:$).)*?)) *:(?=\s|$)/;
const BLOCK_SCALAR = /^[|>][-+0-9]*(?=\s*(?:#|$))/;
const PROPERTIES = /^(?:[&!]\S*(?:\s+|$))+/;
const QUOTED = /"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'(?!')/sy;
const PAIRS: Record<string, string> = { '(': ')', '[': ']', '{': '}' };

/** Return all keys in the order of the text; invalid lines are skipped. */
export function entriesOf(text: string): IEntry[] {
  const lines = splitLines(text);
  const entries: IEntry[] = [];
  const parents: { indent: number; index: number }[] = [];
  let i = 0;
  while (i < lines.length) {
    const line = lines[i];
    const match =
      line.blank || isMarker(line.source) ? null : KEY.exec(line.source);
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
    const colon = line.start + match[0].length;
    const value = valueAt(text, lines, i, colon, indent);
    parents.push({ indent, index: entries.length });
    entries.push({
      path: parent ? `${parent.path}.${key}` : key,
      key,
      depth: parent ? parent.depth + 1 : 0,
      line: i + 1,
      indent,
      colon,
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
  for (const [whole] of text.matchAll(/[^\n]*\n|[^\n]+$/g)) {
    const source = whole.replace(/\r?\n$|\r$/, '');
    const next = start + whole.length;
    lines.push({
      source,
      start,
      end: start + source.length,
      next,
      indent: source.length - source.replace(/^ +/, '').length,
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
      return { start, end: start, section: true, comment, lastLine: index };
    }
    if (block) {
      return { ...block, section: false, comment };
    }
    const written = text.slice(start, line.end - bare.length).trimEnd();
    start = written ? start : colon;
    const end = start + written.length;
    return { start, end, section: false, comment, lastLine: index };
  }

  if (BLOCK_SCALAR.test(bare)) {
    const lastLine = lastLineWhile(lines, index, next =>
      next.indent === next.source.length ? null : next.indent > indent
    );
    const { end } = lines[lastLine];
    return { start, end, section: false, comment: '', lastLine };
  }

  let scan = scanValue(text, start, line.end);
  const lastLine = lastLineWhile(lines, index, next => {
    const isOpen = scan.open > 0;
    if (next.blank) {
      return isOpen && null;
    }
    const isPart =
      (next.indent > indent && (isOpen || !KEY.test(next.source))) ||
      (isOpen && /^\s*[\])}]/.test(next.source));
    if (isPart) {
      scan = scanValue(text, start, next.end);
    }
    return isPart;
  });
  const after = text.slice(scan.end, lines[lastLine].end);
  return {
    start,
    end: scan.end,
    section: false,
    comment: after.replace(/^\s*#/, '').trim(),
    lastLine
  };
}

/** The indented block, or the list, below a key without a value. */
function blockBelow(
  text: string,
  lines: ILine[],
  index: number,
  indent: number
): 'section' | { start: number; end: number; lastLine: number } | null {
  let first = index + 1;
  while (lines[first]?.blank) {
    first++;
  }
  const line = lines[first];
  if (!line) {
    return null;
  }
  const isList = /^ *-(?:\s|$)/.test(line.source) && !isMarker(line.source);
  if (line.indent > indent && !isList && KEY.test(line.source)) {
    return 'section';
  }
  if (line.indent < indent || (line.indent === indent && !isList)) {
    return null;
  }
  const lastLine = lastLineWhile(lines, first, next =>
    next.blank
      ? null
      : next.indent > indent ||
        (isList && next.indent === indent && /^ *-/.test(next.source))
  );
  const start = line.start + line.indent;
  const { end } =
    first === lastLine ? scanValue(text, start, line.end) : lines[lastLine];
  return { start, end, lastLine };
}

/**
 * Return the last line of a block.
 *
 * @param belongs - whether a line belongs to the block; null if it does only
 * when a later line does
 */
function lastLineWhile(
  lines: ILine[],
  first: number,
  belongs: (line: ILine) => boolean | null
): number {
  let last = first;
  for (let i = first + 1; i < lines.length; i++) {
    const answer = belongs(lines[i]);
    if (answer === false) {
      break;
    }
    last = answer ? i : last;
  }
  return last;
}

/**
 * Scan a value: where it ends before a comment, the bars at its top level, and
 * the number of quotes and brackets that are not closed.
 */
export function scanValue(
  text: string,
  start: number,
  end: number
): { end: number; bars: number[]; open: number } {
  const bars: number[] = [];
  const stack: string[] = [];
  // A quote starts a quoted text only at the start of a token.
  let isTokenStart = true;
  let content = start;
  let i = start;
  while (i < end) {
    const character = text[i];
    if (character === '#' && (i === start || /\s/.test(text[i - 1]))) {
      const newline = text.indexOf('\n', i);
      i = newline < 0 || newline > end ? end : newline;
      continue;
    }
    if (isTokenStart && (character === '"' || character === "'")) {
      QUOTED.lastIndex = i;
      if (!QUOTED.test(text) || QUOTED.lastIndex > end) {
        const last = i + text.slice(i, end).trimEnd().length;
        return { end: last, bars, open: 1 };
      }
      content = i = QUOTED.lastIndex;
      isTokenStart = false;
      continue;
    }
    if (character === '\\' && text[i + 1] === '|') {
      content = i += 2;
      isTokenStart = false;
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
      isTokenStart = '([{,|:'.includes(character);
      content = i + 1;
    }
    i++;
  }
  return { end: content, bars, open: stack.length };
}
