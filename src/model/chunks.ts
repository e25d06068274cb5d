/** Tasks that one request names at most. */
const AT_ONCE = 60;

/** Characters that their names take together: proxies take no longer addresses. */
const LONGEST = 4000;

/** Names in parts that fit into an address each. */
export function chunkNames(names: readonly string[]): string[][] {
  const parts: string[][] = [];
  let length = 0;
  for (const name of names) {
    const size = encodeURIComponent(name).length;
    const last = parts[parts.length - 1];
    if (!last || last.length === AT_ONCE || length + size > LONGEST) {
      parts.push([name]);
      length = size;
    } else {
      last.push(name);
      length += size;
    }
  }
  return parts;
}
