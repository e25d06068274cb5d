/**
 * Edits the text of a configuration.
 *
 * Only the characters of a value are replaced: comments, order, quoting, spacing
 * and line breaks of everything else stay.
 */
import type { IEntry } from './yamlscan';
import { entriesOf, scanValue } from './yamlscan';

/** Change the value of a key, which is added if it is missing. */
export function withValue(text: string, path: string, value: string): string {
  const entry = entriesOf(text).find(item => item.path === path);
  if (!entry) {
    return withNewKey(text, path, safeValue(value));
  }
  if (entry.section) {
    return text;
  }
  const raw = safeValue(value);
  if (raw === entry.text) {
    return text;
  }
  const before = text.slice(0, entry.colon);
  const gap = text.slice(entry.colon, entry.start);
  const after = text.slice(entry.end);
  if (!raw) {
    return before + (/[\r\n]/.test(gap) ? commentOf(gap) : '') + after;
  }
  if (/[\r\n]/.test(gap) && !/[\r\n]/.test(raw)) {
    // A block below its key becomes a value on the same line.
    return `${before} ${raw}${commentOf(gap)}${after}`;
  }
  return before + (gap || ' ') + raw + after;
}

/** Quote a typed value if part of it would be a comment. */
export function safeValue(typed: string): string {
  const raw = typed.trim();
  const scan = scanValue(raw, 0, raw.length);
  if (/[\r\n]/.test(raw) || scan.end === raw.length) {
    return raw;
  }
  return JSON.stringify(raw);
}

/** Return the alternatives of an axis (`a | b`), or the single value. */
export function alternativesOf(raw: string): string[] {
  const bars = scanValue(raw, 0, raw.length).bars;
  const parts: string[] = [];
  let from = 0;
  for (const bar of [...bars, raw.length]) {
    parts.push(raw.slice(from, bar).trim());
    from = bar + 1;
  }
  return parts.length === 1 && !parts[0] ? [] : parts;
}

/** Return a value as YAML on one line. */
export function valueText(value: unknown): string {
  if (value === null || value === undefined) {
    return '';
  }
  if (typeof value === 'string') {
    return isPlain(value) ? value : JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    return `[${value.map(item => valueText(item) || 'null').join(', ')}]`;
  }
  if (typeof value === 'object') {
    const items = Object.entries(value).map(
      ([key, item]) => `${valueText(key)}: ${valueText(item) || 'null'}`
    );
    return `{${items.join(', ')}}`;
  }
  return String(value);
}

function isPlain(value: string): boolean {
  return (
    /^[\p{L}_./~][\p{L}\p{N}_./+=^~@%-]*( [\p{L}\p{N}_./+=^~@%-]+)*$/u.test(
      value
    ) &&
    !/^(?:true|false|yes|no|on|off|null|~)$/i.test(value) &&
    !/^[-+.]?\d/.test(value) &&
    !/^\.(?:inf|nan)$/i.test(value)
  );
}

/** The comment between a key and its block, with the space before it. */
function commentOf(gap: string): string {
  const firstLine = gap.split(/\r?\n/, 1)[0];
  const at = firstLine.indexOf('#');
  return at < 0 ? '' : `  ${firstLine.slice(at).trimEnd()}`;
}

function withNewKey(text: string, path: string, value: string): string {
  const eol = text.includes('\r\n') ? '\r\n' : '\n';
  const entries = entriesOf(text);
  const parts = path.split('.');
  let parent: IEntry | undefined;
  let taken = 0;
  for (let n = parts.length - 1; n > 0 && !parent; n--) {
    const prefix = parts.slice(0, n).join('.');
    parent = entries.find(item => item.section && item.path === prefix);
    taken = parent ? n : 0;
  }
  const children = parent
    ? entries.filter(item => item.path.startsWith(`${parent.path}.`))
    : [];
  let indent = children.length
    ? children[0].indent
    : parent
      ? parent.indent + 2
      : 0;
  const added: string[] = [];
  parts.slice(taken).forEach((part, n, rest) => {
    const last = n === rest.length - 1;
    const key = isPlain(part) ? part : JSON.stringify(part);
    added.push(
      `${' '.repeat(indent)}${key}:${last && value ? ` ${value}` : ''}`
    );
    indent += 2;
  });
  const at = children.length
    ? children[children.length - 1].blockEnd
    : (parent?.blockEnd ?? text.length);
  const before = text.slice(0, at);
  const newline = before && !before.endsWith('\n') ? eol : '';
  return before + newline + added.join(eol) + eol + text.slice(at);
}
