/**
 * Where the values of a configuration stand in its text: lines of `key: value`,
 * nested by indentation. The text stays as it is; only values are exchanged.
 */
import type { FieldError } from '../types';
import type { Values } from './values';
import { isQuote, quotedEnd, ScanError, valueOf } from './values';

/** A key with a value, and where the value stands. */
export interface ILeaf {
  /** Dotted key. */
  readonly key: string;
  /** The value as it is written, without a comment. */
  readonly source: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  readonly column: number;
}

export interface IDocument {
  readonly text: string;
  readonly leaves: readonly ILeaf[];
  /** The lines that could not be read. */
  readonly errors: readonly FieldError[];
}

const KEY = /^( *)("(?:[^"\\]|\\.)*"|'[^']*'|[^\s:#"'[\]{}][^:#]*?) *:(?= |$)/;

interface IParent {
  readonly indent: number;
  readonly key: string;
}

/** Read a text; never fails, `errors` says what was not understood. */
export function readDocument(text: string): IDocument {
  const leaves: ILeaf[] = [];
  const errors: FieldError[] = [];
  const seen = new Set<string>();
  let parents: IParent[] = [];
  let start = 0;
  const lines = text.split('\n');
  lines.forEach((raw, index) => {
    const from = start;
    start += raw.length + 1;
    const line = raw.replace(/\r$/, '');
    const refuse = (message: string, column: number, field = 'yaml') =>
      errors.push({
        code: 'invalid_input',
        message,
        field,
        line: index + 1,
        column
      });
    if (/^\s*(?:#|$)/.test(line) || /^---(?:\s|$)/.test(line)) {
      return;
    }
    const match = KEY.exec(line);
    if (!match) {
      const column = line.length - line.trimStart().length + 1;
      refuse(
        /^\s+|^-\s/.test(line) && leaves.length > 0
          ? "This is a demo: it reads lines of 'key: value', not values on several lines. Write lists as [1, 2]."
          : "A configuration must consist of 'key: value' lines, but this is a single value or a list.",
        column
      );
      return;
    }
    const indent = match[1].length;
    parents = parents.filter(parent => parent.indent < indent);
    const parent = parents[parents.length - 1];
    const name = String(valueOf(match[2]));
    const key = parent ? `${parent.key}.${name}` : name;
    if (seen.has(key)) {
      refuse(
        `The key '${key}' is duplicated. Keep one of them.`,
        indent + 1,
        key
      );
      return;
    }
    seen.add(key);
    const value = withoutComment(line, match[0].length);
    const below = indentBelow(lines, index);
    if (value.text === '' && below > indent) {
      parents.push({ indent, key });
      return;
    }
    if (parent === undefined && indent > 0) {
      refuse('This line is indented, but there is no key above it.', 1, key);
      return;
    }
    leaves.push({
      key,
      source: value.text,
      start: from + value.start,
      end: from + value.start + value.text.length,
      line: index + 1,
      column: value.start + 1
    });
  });
  return { text, leaves, errors };
}

/** A value up to a comment, without the white space around it. */
function withoutComment(line: string, from: number) {
  let end = line.length;
  for (let at = from; at < line.length; at++) {
    if (isQuote(line, at)) {
      at = Math.max(at, quotedEnd(line, at) - 1);
    } else if (line[at] === '#' && /\s/.test(line[at - 1] ?? ' ')) {
      end = at;
      break;
    }
  }
  const written = line.slice(from, end);
  const text = written.trim();
  const start = text
    ? from + written.length - written.trimStart().length
    : from + (written.length > 0 ? 1 : 0);
  return { text, start };
}

/** How far the next line with something on it is indented, -1 for none. */
function indentBelow(lines: readonly string[], index: number): number {
  const next = lines.slice(index + 1).find(line => !/^\s*(?:#|$)/.test(line));
  return next === undefined ? -1 : next.length - next.trimStart().length;
}

/** The text with other values in the place of some leaves. */
export function withValues(
  document: IDocument,
  replaced: ReadonlyMap<string, string>
): string {
  let text = '';
  let position = 0;
  for (const leaf of document.leaves) {
    const value = replaced.get(leaf.key);
    if (value !== undefined) {
      text += document.text.slice(position, leaf.start) + value;
      position = leaf.end;
    }
  }
  return text + document.text.slice(position);
}

const known = new Map<string, Values>();

/** The values of a configuration without batch syntax, by dotted key. */
export function valuesOf(text: string): Values {
  let values = known.get(text);
  if (!values) {
    values = Object.fromEntries(
      readDocument(text).leaves.map(leaf => [leaf.key, leafValue(leaf)])
    );
    known.set(text, values);
  }
  return values;
}

function leafValue(leaf: ILeaf) {
  try {
    return valueOf(leaf.source);
  } catch (error) {
    if (error instanceof ScanError) {
      return leaf.source;
    }
    throw error;
  }
}
