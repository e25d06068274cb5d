/** Where something is found in a log. */
import type { LogHits, LogSearch } from '../types';
import { invalid } from './refusals';

const LONGEST_PATTERN = 1000;
const USUAL_HITS = 1000;
/** Hits of one line that are told. */
const IN_A_LINE = 100;
/** Bytes before a hit, and in all, that are told of its line. */
const BEFORE = 80;
const TEXT = 400;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Search a log from end to end; offsets and lengths are in bytes. */
export function searchBytes(bytes: Uint8Array, query: LogSearch): LogHits {
  const pattern = patternOf(query);
  const limit = query.limit ?? USUAL_HITS;
  const hits: LogHits['hits'] = [];
  let line = query.offset ?? 0;
  while (line < bytes.length && hits.length < limit) {
    const newline = bytes.indexOf(10, line);
    const end = newline < 0 ? bytes.length : newline;
    hits.push(...hitsIn(bytes, line, end, pattern));
    line = newline < 0 ? end : end + 1;
  }
  const searched = Math.max(line, query.offset ?? 0);
  return { hits, searched, total: hits.length, done: true };
}

function patternOf(query: LogSearch): RegExp {
  const { pattern, literal, ignore_case } = query;
  if (!pattern || pattern.length > LONGEST_PATTERN) {
    throw invalid(`'pattern' must have 1 to ${LONGEST_PATTERN} characters.`, {
      field: 'pattern'
    });
  }
  const source = literal
    ? pattern.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
    : pattern;
  try {
    return new RegExp(source, ignore_case ? 'gi' : 'g');
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw invalid(`Invalid regular expression: ${what}.`, {
      field: 'pattern'
    });
  }
}

function hitsIn(
  bytes: Uint8Array,
  line: number,
  end: number,
  pattern: RegExp
): LogHits['hits'] {
  const text = decoder.decode(bytes.subarray(line, end));
  const found: LogHits['hits'] = [];
  for (const match of text.matchAll(pattern)) {
    if (match[0] === '' || found.length === IN_A_LINE) {
      continue;
    }
    const offset = line + encoder.encode(text.slice(0, match.index)).length;
    const length = encoder.encode(match[0]).length;
    const from = Math.max(line, offset - BEFORE);
    const told = bytes.subarray(from, Math.min(end, from + TEXT));
    found.push([offset, length, line, decoder.decode(told)]);
  }
  return found;
}
